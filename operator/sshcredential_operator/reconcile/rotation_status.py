"""What the status and the events tell of next and previous keys: pure. Used by `report`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.spec import Spec
from sshcredential_operator.api.staged import HELD, StagedReason, staged_message, targets_named
from sshcredential_operator.api.status import ROTATION_STAGED, Condition, OtherKey, Status, transition_time
from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.reconcile.doors import closed_to, is_held
from sshcredential_operator.reconcile.observed import Observed, Stored, Unseen
from sshcredential_operator.reconcile.rotation import moment, overdue_from, rotates_at, will_not_be_used

OF_THE_SPEC: Final = {Note.SERIAL_IGNORED, Note.ROLLBACK_TARGET_MISSING}
"""Notes that answer one spec."""


def next_key(record: Record) -> OtherKey | None:
    """Return the announced key."""
    key = record.key(record.next.key_number) if record.next else None
    return OtherKey(key.fingerprint, key.public_key, record.next.promotes_at) if key and record.next else None


def still_announced(shown: OtherKey | None, observed: Observed) -> OtherKey | None:
    """Return the next key that the status shows, unless it was withdrawn; for statuses that tell of no record."""
    match observed.secret:
        case Stored(record=record) if shown and will_not_be_used(record, shown.fingerprint):
            return None
    return shown


def previous_key(record: Record, now: datetime) -> OtherKey | None:
    """Return the newest of the previous keys whose time is not over.

    A key that was brought again, and is current or announced now, is not shown: nobody may take it off his hosts.
    """
    needed = {record.current, record.next.key_number} if record.next else {record.current}
    lasting = {key.fingerprint for key in record.keys if key.key_number in needed}
    fingerprint = {key.key_number: key.fingerprint for key in record.keys}
    usable = [old for old in record.previous if moment(old.until) > now and fingerprint[old.key_number] not in lasting]
    newest = max(usable, key=lambda old: old.key_number, default=None)
    key = record.key(newest.key_number) if newest else None
    return OtherKey(key.fingerprint, key.public_key, newest.until) if key and newest else None


def not_over(shown: OtherKey | None, now: datetime) -> OtherKey | None:
    """Return the previous key that the status shows, as long as it is usable; for statuses that tell of no record."""
    until = parse_timestamp(shown.moment) if shown else None
    return shown if until and until > now else None


def scheduled(record: Record, spec: Spec) -> str | None:
    """Return when the schedule makes the next key."""
    due = rotates_at(record, spec)
    return format_timestamp(due) if due else None


def staged_condition(staged: OtherKey, generation: int, observed: Observed, credential: Credential) -> Condition:
    """Return the condition that says a key is announced; Ready goes on to speak of the current one."""
    before = credential.status
    reason, text = _what_it_waits_for(staged, observed, credential)
    since = transition_time(ROTATION_STAGED, "True", before, format_timestamp(observed.now))
    return Condition(ROTATION_STAGED, "True", reason, text, generation, since)


def _what_it_waits_for(staged: OtherKey, observed: Observed, credential: Credential) -> tuple[str, str]:
    before, due = credential.status, parse_timestamp(staged.moment)
    closed = closed_to(staged.fingerprint, observed.targets)
    facts = {"fingerprint": staged.fingerprint, "moment": staged.moment, "credential": credential.key.name}
    if due is None or due > observed.now or not is_held(staged.fingerprint, observed, credential):
        return StagedReason.STAGED.value, staged_message(StagedReason.STAGED, **facts)
    if isinstance(closed, tuple):
        facts |= {"targets": targets_named(closed), "target": closed[0]}
        return StagedReason.WAITING_FOR_TARGETS.value, staged_message(StagedReason.WAITING_FOR_TARGETS, **facts)
    said = before.condition(ROTATION_STAGED)
    if closed is Unseen.NOT_LISTED and said and before.next and before.next.fingerprint == staged.fingerprint:
        return said.reason, said.message  # after a restart, until somebody can tell
    reason = StagedReason.FORBIDDEN if closed is Unseen.FORBIDDEN else StagedReason.TARGETS_UNKNOWN
    return reason.value, staged_message(reason, **facts)


def rotation_notes(record: Record, spec: Spec, observed: Observed) -> Iterator[str]:
    """Yield what is remarked about replacing the key."""
    overdue = overdue_from(record, observed.policy.longest_age)
    if overdue and overdue <= observed.now:
        yield Note.ROTATION_DUE.value
    if spec.rotation.serial < record.rotation_serial:
        yield Note.SERIAL_IGNORED.value
    target = spec.rotation.rollback_to
    if target is not None and all(key.fingerprint != target for key in record.keys):
        yield Note.ROLLBACK_TARGET_MISSING.value


def rotation_events(before: Status, after: Status) -> Iterator[tuple[str, str]]:
    """Yield reason and note of what came of keys after the first one."""
    if after.next and (before.next is None or before.next.fingerprint != after.next.fingerprint):
        yield "Staged", f"The next key is {after.next.fingerprint}; it is used {_from_when(after.next, after)}."
    withdrawn = before.next.fingerprint if before.next and before.next != after.next else None
    if withdrawn and _follows_directly(before, after):
        yield "Withdrawn", f"The next key, {withdrawn}, is not used: the spec holds another one now."
    if before.facts and after.facts and before.facts.fingerprint != after.facts.fingerprint:
        yield "Promoted", f"The key is now {after.facts.fingerprint}; before it was {before.facts.fingerprint}."


def forced_promotion(after: Status, observed: Observed, credential: Credential) -> str | None:
    """Return the note that a person had the announced key used, though a target has not let it in."""
    before = credential.status.next
    if before is None or after.facts is None or before.fingerprint != after.facts.fingerprint:
        return None
    closed = closed_to(before.fingerprint, observed.targets)
    if before.fingerprint != credential.forced_promotion or closed == ():
        return None
    where = (
        f"SSHTarget {targets_named(closed)} has not"
        if isinstance(closed, tuple)
        else "nobody knows which SSHTargets have"
    )
    return f"The key {before.fingerprint} is used because a person said so; {where} let it in."


def _from_when(staged: OtherKey, after: Status) -> str:
    condition = after.condition(ROTATION_STAGED)
    if condition and condition.reason in HELD:
        return "when every SSHTarget of this credential lets it in"
    return f"from {staged.moment} on"


def _follows_directly(before: Status, after: Status) -> bool:
    """Whether no other key was in use between these two, as far as they tell: the announced one was not."""
    if before.facts is None or after.facts is None:
        return False
    if after.next and before.next and after.next.fingerprint == before.next.fingerprint:  # a way back moved it
        return False
    here = {after.facts.fingerprint, after.previous.fingerprint if after.previous else None}
    return before.facts.fingerprint in here and after.facts.fingerprint != (before.next and before.next.fingerprint)
