"""The checks that replace keys, only where the user asked: by a raised serial, a schedule or `rollbackTo`."""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.record import PreviousKey, Record
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.keys.judge import Accepted
from sshcredential_operator.reconcile.decision import Act, Decision, Look
from sshcredential_operator.reconcile.doors import may_be_promoted
from sshcredential_operator.reconcile.inputs import policy_refuses, what_the_input_lacks
from sshcredential_operator.reconcile.narrow import spec_of
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.rotation import (
    ended,
    first_end,
    is_full,
    rotates_at,
    will_not_be_used,
)


def previous_has_ended(observed: Observed, credential: Credential) -> Decision | None:
    """A previous key's time is over, and the status shows it no more.

    The status is read live: of one that was written last the answer may be lost, and the watch may not show it yet.
    """
    match observed.secret:
        case Stored(record=record) if ended(record, observed.now) and not shows_an_ended_key(observed, credential):
            if not observed.credential_is_live:
                return Decision(Reason.UPDATING, look=Look.CREDENTIAL)
            return Decision(Reason.UPDATING, act=Act.END_PREVIOUS)
    return None


def shows_an_ended_key(observed: Observed, credential: Credential) -> bool:
    """Whether the status still shows a key whose time is over; the key stays until it does not."""
    shown, staged = credential.status.previous, credential.status.next
    match observed.secret:
        case Stored(record=record):
            over = [old for old in record.previous if old.key_number in ended(record, observed.now)]
            was_next = staged is not None and will_not_be_used(record, staged.fingerprint)
            return any(
                (shown is not None and old.until == shown.moment and _has(record, old, shown.fingerprint))
                or (was_next and staged is not None and _has(record, old, staged.fingerprint))
                for old in over
            )
    return False


def next_has_come(observed: Observed, credential: Credential) -> Decision | None:
    """The staged key has been announced for long enough, and every target lets it in."""
    match observed.secret:
        case Stored(record=record) if may_be_promoted(record, observed, credential):
            return Decision(Reason.ROTATING, act=Act.PROMOTE)
    return None


def serial_is_raised(observed: Observed, credential: Credential) -> Decision | None:
    """The user asks for another key. A serial that falls, as by a Git revert, asks for nothing."""
    match observed.secret:
        case Stored(record=record) if spec_of(credential).rotation.serial > record.rotation_serial:
            if record.next is not None:  # it is the answer
                return Decision(Reason.ROTATING, act=Act.HONOUR_SERIAL)
            return replace_key(observed, record, spec_of(credential))
    return None


def rollback_is_asked(observed: Observed, credential: Credential) -> Decision | None:
    """`rollbackTo` has another value than the one that was honoured last."""
    match observed.secret:
        case Stored(record=record) if spec_of(credential).rotation.rollback_to != record.rollback_to:
            return Decision(Reason.ROTATING, act=Act.ROLL_BACK)
    return None


def schedule_is_due(observed: Observed, credential: Credential) -> Decision | None:
    """The key is as old as the schedule lets it become."""
    match observed.secret:
        case Stored(record=record):
            due = rotates_at(record, spec_of(credential))
            if due is not None and due <= observed.now:
                return replace_key(observed, record, spec_of(credential))
    return None


def replace_key(observed: Observed, record: Record, spec: Spec) -> Decision:
    """Return what it takes to replace the key in use: its input first, a place for it, a policy that allows it."""
    if isinstance(observed.sealed, Seal) and observed.sealed.fingerprint == record.current_key.fingerprint:
        return Decision(Reason.ROTATING, act=Act.HONOUR_SERIAL)
    if is_full(record):
        end = first_end(record)
        return Decision(Reason.TOO_MANY_KEYS, {"count": len(record.previous), "until": format_timestamp(end)}, due=end)
    if not isinstance(spec.source, Generate):
        if observed.input is None:
            return Decision(Reason.ROTATING, look=Look.INPUT)
        if lack := what_the_input_lacks(observed.input, spec.source):
            return lack
        if isinstance(observed.input, Accepted) and _is_current(observed.input, record):
            return Decision(Reason.ROTATING, act=Act.HONOUR_SERIAL)
    return policy_refuses(observed, spec) or Decision(Reason.ROTATING, act=Act.ROTATE)


def _has(record: Record, old: PreviousKey, fingerprint: str) -> bool:
    key = record.key(old.key_number)
    return key is not None and key.fingerprint == fingerprint


def _is_current(found: Accepted, record: Record) -> bool:
    return found.pair.public.fingerprint == record.current_key.fingerprint
