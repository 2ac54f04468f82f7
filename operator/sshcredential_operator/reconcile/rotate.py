"""The changes that replace keys: each one PATCH, so that every revision of the Secret holds what its record names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.credential_secret import data_key, open_key, peek_kids, seal_key
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.reconcile.decision import Look
from sshcredential_operator.reconcile.doors import is_staged_first
from sshcredential_operator.reconcile.making import new_key
from sshcredential_operator.reconcile.narrow import spec_of, stored_in
from sshcredential_operator.reconcile.observe import look
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.rotation import (
    ended,
    moves_of_rollback,
    newest_key,
    promoted,
    rollback_target,
    rolled_back,
    with_next,
    with_rollback_answered,
    with_serial,
    with_source,
    withdrawn,
    without,
)
from sshcredential_operator.reconcile.sources import to_record
from sshcredential_operator.reconcile.writing import Values, write


async def rotate(observed: Observed, world: World) -> Observed:
    """Add the next key: announced first, or in use at once."""
    spec, stored = spec_of(observed.credential), stored_in(observed)
    made = await new_key(observed, spec, world.keys)
    key = made.recorded(stored.record.highest_key_number + 1, format_timestamp(observed.now))
    source = to_record(spec.source, made.public.fingerprint)
    first = is_staged_first(observed.targets)
    record = with_next(stored.record, key, source, spec.rotation, observed.now, staged_first=first)
    kek = await world.workspaces.kek_for_writing(observed.key.namespace)
    values = seal_key(record, key.key_number, made.material, kek, observed.key.namespace, observed.key.name)
    return await write(observed, replace(stored, record=record), world, values=values, kek=kek)


async def honour_serial(observed: Observed, world: World) -> Observed:
    """Note in the record that this serial was answered by a key that is stored already."""
    spec, stored = spec_of(observed.credential), stored_in(observed)
    source = (
        stored.record.source if stored.record.next else to_record(spec.source, stored.record.current_key.fingerprint)
    )
    record = with_serial(stored.record, spec.rotation.serial, source)
    return await write(observed, replace(stored, record=record), world)


async def take_source(observed: Observed, world: World) -> Observed:
    """Note in the record that the newest key is the one that spec.sealed holds."""
    spec, stored = spec_of(observed.credential), stored_in(observed)
    record = with_source(stored.record, to_record(spec.source, newest_key(stored.record).fingerprint))
    return await write(observed, replace(stored, record=record), world)


async def withdraw(observed: Observed, world: World) -> Observed:
    """End the staged key, which was never used: the spec names another one now."""
    stored = stored_in(observed)
    if not isinstance(observed.sealed, Seal):  # the check saw it
        raise TypeError
    record = withdrawn(stored.record, observed.sealed.fingerprint, observed.now)
    return await write(observed, replace(stored, record=record), world)


async def promote(observed: Observed, world: World) -> Observed:
    """Use the staged key from now on."""
    spec, stored = spec_of(observed.credential), stored_in(observed)
    record = promoted(stored.record, spec.rotation.overlap, observed.now)
    return await write(observed, replace(stored, record=record), world)


async def roll_back(observed: Observed, world: World) -> Observed:
    """Use a previous key again, under a new number; without such a key, note only that the value was honoured."""
    rotation, stored = spec_of(observed.credential).rotation, stored_in(observed)
    target = rollback_target(stored.record, rotation.rollback_to)
    if target is None:
        record = with_rollback_answered(stored.record, rotation.rollback_to)
        return await write(observed, replace(stored, record=record), world)
    moves = moves_of_rollback(stored.record, target)
    record = rolled_back(stored.record, moves, rotation, observed.now)
    values = await _moved(observed, moves, record, world)
    if values is None:
        return await look(Look.SECRET, observed, world)
    return await write(observed, replace(stored, record=record), world, values=values)


async def end_previous(observed: Observed, world: World) -> Observed:
    """Destroy the previous keys whose time is over."""
    stored = stored_in(observed)
    numbers = ended(stored.record, observed.now)
    values = {name: None for number in numbers for name in _names(stored.record, number)}
    record = without(stored.record, numbers)
    kept = {key.fingerprint for key in record.keys}  # a key that was brought again lives on under its new number
    fingerprints = tuple(
        key.fingerprint for key in stored.record.keys if key.key_number in numbers and key.fingerprint not in kept
    )
    after = await write(observed, replace(stored, record=record), world, values=values)
    done = isinstance(after.secret, Stored) and after.secret.record == record
    return replace(after, ended=fingerprints) if done else after


async def _moved(observed: Observed, moves: Mapping[int, int], record: Record, world: World) -> Values | None:
    # The number is part of a value's identity, so each key is sealed anew; this revision's values are read for it.
    stored, place = stored_in(observed), (observed.key.namespace, observed.key.name)
    raw = await world.secrets.read(observed.key)
    if raw is None or raw.resource_version != stored.resource_version:
        return None
    keks = {key_id: await world.workspaces.kek(key_id, observed.key.namespace) for key_id in peek_kids(raw.data)}
    kek = keks.get(stored.key_id)
    values: dict[str, bytes | None] = {}
    for before, after in moves.items():
        material = open_key(raw.data, stored.record, before, *place, keks.get)
        if material is None or kek is None:
            return None
        values |= dict.fromkeys(_names(stored.record, before))
        values |= seal_key(record, after, material, kek, *place)
    return values


def _names(record: Record, number: int) -> list[str]:
    key = record.key(number)
    fields = [Field.PRIVATE_KEY, Field.PASSPHRASE] if key and key.passphrase_protected else [Field.PRIVATE_KEY]
    return [data_key(field, number) for field in fields]
