"""What has to be so when the operator is at rest: nothing that was asked for is forgotten, and no green is false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from lives.licences import LINGERS, time
from lives.witness import Seen
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.spec import Generate, Sealed, Spec
from sshcredential_operator.api.status import KeyFacts, Status
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.sealing import seal_of

DAMAGE: Final = frozenset(
    {
        Reason.SECRET_LOST,
        Reason.SECRET_TAMPERED,
        Reason.SECRET_CONFLICT,
        Reason.KEY_UNAVAILABLE,
        Reason.ROLLBACK_DETECTED,
        Reason.SPEC_INVALID,
    }
)
"""What only somebody else can have brought about."""

CONDITIONS: Final = {
    Course.READY: {"Ready": "True"},
    Course.STOP: {"Ready": "False", "Stalled": "True"},
    Course.WAIT: {"Ready": "False", "Reconciling": "True"},
}


def is_right(seen: Seen, now: datetime, left: Mapping[tuple[str, int], str], *, leapt: bool = False) -> None:
    """Look at one credential and its Secret. Right after a leap of the clock, ended keys are there for a moment."""
    if seen.credential is None:
        _orphan_waits(seen, now)
        return
    status, reason = seen.credential.status, seen.credential.status.reason
    assert reason is not None
    assert reason is not Reason.PENDING, "I4: nobody looked at it"
    assert COURSE[reason] in CONDITIONS, f"I4: no rest in {reason.value}"
    if reason is not Reason.SUSPENDED:
        states = {c.type: c.status for c in status.conditions if c.type != "RotationStaged"}
        assert states == CONDITIONS[COURSE[reason]], (reason, states)
        assert status.observed_generation == seen.credential.generation, "the spec was not answered"
    if seen.untouched and not seen.forged:
        assert reason not in DAMAGE, f"nobody did any harm, but {reason.value}"
    facts = status.facts
    if seen.record and facts and seen.record.credential_id == facts.credential_id:
        older = _is_older(seen.record, status, facts)
        assert (reason is Reason.ROLLBACK_DETECTED) == older, "I10: an old Secret is Stalled, and nothing else is"
    if reason is Reason.AVAILABLE:
        assert isinstance(seen.credential.spec, Spec)
        assert seen.record is not None, "I3: Ready without a Secret that opens"
        assert seen.secret is not None
        assert parse_timestamp(seen.secret.orphaned_since or "") is None, "a living credential's key waits for its end"
        _status_tells_the_record(seen.credential, seen.record, now)
        _all_is_answered(seen.credential.spec, seen.record, now, seen.may_be_used)
        _waiting_is_told(seen, seen.record, now)
        _sealed_is_answered(seen.credential, seen.credential.spec, seen.record, left)
        assert leapt or all(time(old.until) + LINGERS > now for old in seen.record.previous), (
            "I5: a previous key is left"
        )


def _is_older(record: Record, status: Status, facts: KeyFacts) -> bool:
    if record.current != facts.key_number:
        return record.current < facts.key_number
    announced = status.next is not None and all(key.fingerprint != status.next.fingerprint for key in record.keys)
    return announced or record.rotation_serial < facts.rotation_serial


def _orphan_waits(seen: Seen, now: datetime) -> None:
    if seen.secret is None or seen.record is None or seen.record.deletion_policy != "Delete":
        return
    grace = parse_duration(seen.record.deletion_grace_period)
    assert grace is not None
    assert seen.secret.orphaned_since is not None, "I5: a key without credential is not marked"
    assert time(seen.secret.orphaned_since) + grace > now, "I5: a key is left behind"


def _status_tells_the_record(credential: Credential, record: Record, now: datetime) -> None:
    status, key = credential.status, record.current_key
    assert status.facts is not None, "I3: Ready without a key"
    assert (
        status.facts.credential_id,
        status.facts.key_number,
        status.facts.rotation_serial,
        status.facts.fingerprint,
        status.facts.public_key,
    ) == (record.credential_id, record.current, record.rotation_serial, key.fingerprint, key.public_key), "I3"
    staged = record.key(record.next.key_number) if record.next else None
    assert (status.next and status.next.fingerprint) == (staged and staged.fingerprint)
    assert (status.condition("RotationStaged") is not None) == (staged is not None)
    lasting = {key.fingerprint for key in (record.current_key, staged) if key}
    usable = [old for old in record.previous if time(old.until) > now]
    usable = [
        old
        for old in usable
        if not {key.fingerprint for key in record.keys if key.key_number == old.key_number} & lasting
    ]
    newest = max(usable, key=lambda old: old.key_number, default=None)
    shown = record.key(newest.key_number) if newest else None
    assert (status.previous and status.previous.fingerprint) == (shown and shown.fingerprint)


def _waiting_is_told(seen: Seen, record: Record, now: datetime) -> None:
    assert seen.credential is not None
    status = seen.credential.status
    condition = status.condition("RotationStaged")
    if not seen.doors_are_known:
        return
    assert [user.name for user in status.used_by] == sorted(seen.doors), "not everybody is told who uses it"
    if condition and record.next:
        waits = time(record.next.promotes_at) <= now
        assert condition.reason == ("WaitingForTargets" if waits else "Staged")


def _all_is_answered(spec: Spec, record: Record, now: datetime, may_be_used: Callable[[str], bool]) -> None:
    rotation = spec.rotation
    assert record.rotation_serial >= rotation.serial, "a serial was forgotten"
    assert record.rollback_to == rotation.rollback_to, "a rollback was forgotten"
    newest = (record.key(record.next.key_number) if record.next else None) or record.current_key
    held = record.next is not None and (time(record.next.promotes_at) > now or not may_be_used(newest.fingerprint))
    assert record.next is None or held, "a staged key was forgotten"
    if isinstance(spec.source, Generate):
        assert (newest.algorithm, newest.bits) == (spec.source.algorithm, spec.source.bits), "a false green"
        if rotation.every and not record.next and rotation.rollback_to != newest.fingerprint:
            assert time(newest.created_at) + rotation.every > now, "a schedule was forgotten"
    assert (record.deletion_policy, record.deletion_grace_period) == (
        spec.deletion_policy.value,
        spec.deletion_grace_period,
    ), "the policy of a deletion was forgotten"


def _sealed_is_answered(
    credential: Credential, spec: Spec, record: Record, left: Mapping[tuple[str, int], str]
) -> None:
    if not isinstance(spec.source, Sealed):
        return
    seal = seal_of(spec.source.private_key)
    assert seal is not None, "a false green: no sealed value"
    assert seal.fits(credential.key.namespace, credential.key.name), "a false green: sealed for another place"
    assert seal.field is Field.PRIVATE_KEY, "a false green: sealed for another field"
    newest = (record.key(record.next.key_number) if record.next else None) or record.current_key
    gone_back = left.get((record.credential_id, newest.key_number)) == seal.fingerprint
    assert gone_back or newest.fingerprint == seal.fingerprint, "a false green: another key is sealed"
