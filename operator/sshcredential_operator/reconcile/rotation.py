"""How a record changes when keys are replaced: pure, from one record to the next. Used by checks, acts and the status.

A key is first announced (`next`), then current, then previous, then gone. Its number is never given to another key.
What people are shown ends at `until`; the stored values are destroyed `LINGER` later, so that who read the status just
before still finds the key that it named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sshcredential_operator.api.spec import Generate, Rotation, Spec
from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.encryption.record import (
    MAX_PREVIOUS,
    FromSealed,
    NextKey,
    PreviousKey,
    Record,
    RecordedKey,
    RecordedSource,
)

LINGER: Final = timedelta(seconds=3)


def moment(text: str) -> datetime:
    """Return a time of the record; its parser has let only such texts through."""
    parsed = parse_timestamp(text)
    if parsed is None:
        raise ValueError
    return parsed


def newest_key(record: Record) -> RecordedKey:
    """Return the staged key where there is one, else the key in use."""
    return (record.key(record.next.key_number) if record.next else None) or record.current_key


def is_full(record: Record) -> bool:
    """Whether no further key can become previous."""
    return len(record.previous) >= MAX_PREVIOUS


def first_end(record: Record) -> datetime:
    """Return when the first previous key is destroyed."""
    return min(moment(old.until) for old in record.previous) + LINGER


def rotates_at(record: Record, spec: Spec) -> datetime | None:
    """Return when the schedule asks for the next key; None without a schedule, or while one is staged.

    It rests while `rollbackTo` names the key in use: a key that the user went back to is as old as it was, and would be
    replaced at once.
    """
    every, pinned = spec.rotation.every, spec.rotation.rollback_to == record.current_key.fingerprint
    if every is None or pinned or record.next is not None or not isinstance(spec.source, Generate):
        return None
    return moment(record.current_key.created_at) + every


def overdue_from(record: Record, longest_age: timedelta | None) -> datetime | None:
    """Return when the current key is older than the workspace's policy wants keys to be."""
    return None if longest_age is None else moment(record.current_key.created_at) + longest_age


def next_is_due(record: Record, now: datetime) -> bool:
    """Whether the staged key is to be used from now on."""
    return record.next is not None and moment(record.next.promotes_at) <= now


def ended(record: Record, now: datetime) -> tuple[int, ...]:
    """Return the numbers of the previous keys whose time is over."""
    return tuple(old.key_number for old in record.previous if moment(old.until) + LINGER <= now)


def changes(record: Record, spec: Spec, now: datetime) -> Iterator[datetime]:
    """Yield the moments to come at which something changes by itself.

    What should have happened and has not is held up by something else (trouble, a policy, a deletion), which is what to
    wait for.
    """
    scheduled = rotates_at(record, spec)
    moments = [moment(record.next.promotes_at)] if record.next else []
    moments += [scheduled] if scheduled else []
    for old in record.previous:
        moments += [moment(old.until), moment(old.until) + LINGER]
    yield from (at for at in moments if at > now)


def with_next(
    record: Record,
    key: RecordedKey,
    source: RecordedSource,
    rotation: Rotation,
    now: datetime,
    *,
    staged_first: bool = False,
) -> Record:
    """Return the record with one more key: announced for `prepare`, or current at once where that is nothing.

    `staged_first` announces it in any case.
    """
    staged = replace(
        record,
        next=NextKey(key.key_number, format_timestamp(now + rotation.prepare)),
        keys=(*record.keys, key),
        highest_key_number=key.key_number,
        rotation_serial=max(record.rotation_serial, rotation.serial),
        source=source,
    )
    return staged if rotation.prepare or staged_first else promoted(staged, rotation.overlap, now)


def promoted(record: Record, overlap: timedelta, now: datetime) -> Record:
    """Return the record with the next key in use; the one before stays for the overlap."""
    if record.next is None:
        raise ValueError
    return _with_current(replace(record, next=None), record.next.key_number, overlap, now)


def with_serial(record: Record, serial: int, source: RecordedSource) -> Record:
    """Return the record that has honoured this serial by a key that is staged or stored already."""
    return replace(record, rotation_serial=serial, source=source)


def with_source(record: Record, source: RecordedSource) -> Record:
    """Return the record whose newest key is from this source, too."""
    return replace(record, source=source)


def withdrawn(record: Record, wanted: str, now: datetime) -> Record:
    """Return the record whose staged key is never used: it ends like a previous key whose time is over.

    So it is destroyed only when the status does not show it any more. `wanted` is the fingerprint of the sealed key; as
    long as that one is not taken, the key in use is what the last sealed value came to.
    """
    if record.next is None:
        raise ValueError
    current, end = record.current_key.fingerprint, PreviousKey(record.next.key_number, format_timestamp(now))
    back = wanted == current or isinstance(record.source, FromSealed)
    source = FromSealed(current) if back else record.source
    return replace(record, next=None, previous=(*record.previous, end), source=source)


def will_not_be_used(record: Record, fingerprint: str) -> bool:
    """Whether a key that was announced is stored only until it is destroyed."""
    numbers = {old.key_number for old in record.previous}
    given_up = {key.fingerprint for key in record.keys if key.key_number in numbers}
    return fingerprint in given_up - {record.current_key.fingerprint, newest_key(record).fingerprint}


def moves_of_rollback(record: Record, number: int) -> dict[int, int]:
    """Return the new numbers of the previous key that is used again, and of the staged one.

    The number in use never falls, so a staged key has to stay above it until it is promoted.
    """
    first = record.highest_key_number + 1
    return {number: first} | ({record.next.key_number: first + 1} if record.next else {})


def rolled_back(record: Record, moves: Mapping[int, int], rotation: Rotation, now: datetime) -> Record:
    """Return the record with a previous key in use again, under a new number: the old one is never used again."""
    moved = (replace(key, key_number=moves.get(key.key_number, key.key_number)) for key in record.keys)
    grown = replace(
        record,
        keys=tuple(sorted(moved, key=lambda key: key.key_number)),
        next=record.next and record.next._replace(key_number=moves[record.next.key_number]),
        previous=tuple(old for old in record.previous if old.key_number not in moves),
        highest_key_number=max(moves.values()),
        rollback_to=rotation.rollback_to,
    )
    return _with_current(grown, min(moves.values()), rotation.overlap, now)


def with_rollback_answered(record: Record, rollback_to: str | None) -> Record:
    """Return the record that has honoured this value, and no key changed."""
    return replace(record, rollback_to=rollback_to)


def rollback_target(record: Record, rollback_to: str | None) -> int | None:
    """Return the number of the previous key with this fingerprint; None where the key in use has it."""
    if rollback_to == record.current_key.fingerprint:
        return None
    numbers = {old.key_number for old in record.previous}
    return next((k.key_number for k in record.keys if k.fingerprint == rollback_to and k.key_number in numbers), None)


def without(record: Record, numbers: tuple[int, ...]) -> Record:
    """Return the record without these previous keys."""
    return replace(
        record,
        keys=tuple(key for key in record.keys if key.key_number not in numbers),
        previous=tuple(old for old in record.previous if old.key_number not in numbers),
    )


def _with_current(record: Record, key_number: int, overlap: timedelta, now: datetime) -> Record:
    old = PreviousKey(record.current, format_timestamp(now + overlap))
    return replace(record, current=key_number, previous=(*record.previous, old))
