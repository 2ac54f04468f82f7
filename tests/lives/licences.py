"""What entitles an operator to change a Secret: the small model that knows what was asked for. Used by `witness`.

It knows records and specs, and nothing of how the product decides. Every function raises AssertionError with the
invariant of the house that is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lives.seals import wanted_of
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.record import FromSealed, Record, RecordedKey
from sshcredential_operator.reconcile.observed import RawSecret

LINGERS = timedelta(seconds=3)
"""How long a previous key stays after its time, as the user's documentation says."""


def time(text: str) -> datetime:
    """Return a moment that the operator wrote."""
    parsed = parse_timestamp(text)
    assert parsed is not None, text
    return parsed


def allow_change(before: Record, after: Record, specs: Sequence[Spec], now: datetime) -> None:
    """Hold a change of the record to what one of these specs asked for. They are all that may have been seen."""
    assert before.credential_id == after.credential_id, "I1: another identity"
    assert after.highest_key_number >= before.highest_key_number, "I10: key numbers fall"
    if all(spec.suspend for spec in specs):  # only what decides after the deletion follows the spec
        kept = replace(
            after, deletion_policy=before.deletion_policy, deletion_grace_period=before.deletion_grace_period
        )
        assert kept == before, "a suspended credential's keys were changed"
    if before.next is not None and (after.next is None or after.next.key_number != before.next.key_number):
        _allow_end_of_staged(before, after, specs)
    moved = _moved(before, after)
    fresh = [key for key in after.keys if before.key(key.key_number) is None and key.key_number not in moved.values()]
    if fresh:
        _allow_fresh(fresh, before, after, specs, now)
    if after.rotation_serial != before.rotation_serial:
        assert after.rotation_serial > before.rotation_serial, "a serial fell"
        assert after.rotation_serial in {spec.rotation.serial for spec in specs}, "a serial that nobody wrote"
    if after.rollback_to != before.rollback_to:
        assert after.rollback_to in {spec.rotation.rollback_to for spec in specs}, "a rollback that nobody wrote"
    if after.current != before.current:
        _allow_other_current(before, after, moved, fresh, now)
        _keeps_the_one_before(before, after, specs, now)
    for key in before.keys:
        if after.key(key.key_number) is None and key.key_number not in moved:
            _allow_end(key, before, now)
    policy = (after.deletion_policy, after.deletion_grace_period)
    assert policy == (before.deletion_policy, before.deletion_grace_period) or policy in {
        (spec.deletion_policy.value, spec.deletion_grace_period) for spec in specs
    }, "a deletion policy that nobody wrote"


def _moved(before: Record, after: Record) -> dict[int, int]:
    """Return which keys have another number now: only a rollback does that, to a previous key and a staged one."""
    if after.rollback_to == before.rollback_to or after.rollback_to is None:
        return {}
    staged = before.next.key_number if before.next else None
    may = {old.key_number for old in before.previous} | {staged}
    moved: dict[int, int] = {}
    for key in sorted(before.keys, key=lambda key: key.key_number):  # two may be one and the same, brought twice
        again = [
            k.key_number for k in after.keys if k.fingerprint == key.fingerprint and before.key(k.key_number) is None
        ]
        new = min(set(again) - set(moved.values()), default=None)
        if key.key_number in may and after.key(key.key_number) is None and new is not None:
            moved[key.key_number] = new
    return moved


def _allow_fresh(
    fresh: Sequence[RecordedKey], before: Record, after: Record, specs: Sequence[Spec], now: datetime
) -> None:
    assert len(fresh) == 1, "two keys at once"
    [key] = fresh
    assert key.key_number == before.highest_key_number + 1 == after.highest_key_number, "I2: a number is left out"
    assert before.next is None, "a key is made while one is staged"
    asked = {spec.rotation.serial for spec in specs if spec.rotation.serial > before.rotation_serial}
    due = any(
        spec.rotation.every is not None
        and isinstance(spec.source, Generate)
        and time(before.current_key.created_at) + spec.rotation.every <= now
        for spec in specs
    )
    sealed = key.fingerprint in {wanted_of(spec) for spec in specs} and before.source != FromSealed(key.fingerprint)
    assert (after.rotation_serial in asked) or due or sealed, "I1: nobody asked for another key"


def _allow_end_of_staged(before: Record, after: Record, specs: Sequence[Spec]) -> None:
    staged = before.key(before.next.key_number) if before.next else None
    assert staged is not None
    wanted = {wanted_of(spec) for spec in specs}
    if after.current == staged.key_number:
        assert wanted & {None, staged.fingerprint}, "I1: an announced key is used that the spec has taken back"
    elif after.current == before.current:
        assert wanted - {None, staged.fingerprint}, "I1: an announced key was withdrawn that nobody took back"


def _allow_other_current(
    before: Record, after: Record, moved: dict[int, int], fresh: Sequence[RecordedKey], now: datetime
) -> None:
    assert after.current > before.current, "I10: the number in use falls"
    if before.next is not None and after.current == before.next.key_number:
        assert time(before.next.promotes_at) <= now, "a staged key is used before its time"
    elif after.current in moved.values():
        assert after.current_key.fingerprint == after.rollback_to, "I1: back to another key than was asked for"
        [number] = [old for old, new in moved.items() if new == after.current]
        assert number in {old.key_number for old in before.previous}, "a staged key was taken for a previous one"
    else:
        assert after.current in {key.key_number for key in fresh}, "I1: nobody asked for another key"


def _keeps_the_one_before(before: Record, after: Record, specs: Sequence[Spec], now: datetime) -> None:
    until = [time(old.until) for old in after.previous if old.key_number == before.current]
    assert until, "the key before is not kept"
    overlaps = [spec.rotation.overlap for spec in specs]
    # Whoever hears of the change on a real server hears of it a little later, on a busy machine a little more.
    late = max(LINGERS, min(overlaps) / 100)
    assert min(overlaps) <= until[0] - now + late, "the key before is kept for a shorter time than was asked for"
    assert until[0] - now <= max(overlaps), "the key before is kept for a longer time than was asked for"


def _allow_end(key: RecordedKey, before: Record, now: datetime) -> None:
    untils = [old.until for old in before.previous if old.key_number == key.key_number]
    assert untils, f"I1: key {key.key_number}, which is no previous one, was destroyed"
    assert time(untils[0]) + LINGERS <= now, f"key {key.key_number} was destroyed before its time"


def allow_use(before: Record, after: Record, may_be_used: Callable[[str], bool]) -> None:
    """Hold the use of another key to the targets: a key that was in use before is let in where it was."""
    key, old = after.current_key.fingerprint, {one.key_number for one in before.previous}
    came_back = after.rollback_to != before.rollback_to and key == after.rollback_to
    came_back = came_back and key in {one.fingerprint for one in before.keys if one.key_number in old}
    assert after.current == before.current or came_back or may_be_used(key), "a target does not let in the key in use"


def allow_deletion(secret: RawSecret, record: Record, now: datetime) -> None:
    """Hold the end of a Secret to its mark, its policy and its grace period."""
    assert record.deletion_policy == "Delete", "I5: a retained key was destroyed"
    assert secret.orphaned_since is not None, "I5: an unmarked key was destroyed"
    grace = parse_duration(record.deletion_grace_period)
    assert grace is not None
    assert time(secret.orphaned_since) + grace <= now, "I5: a key was destroyed within its grace period"
