"""The data of the Secret that holds one credential: sealed and opened as a whole. Used by `reconcile` and exports.

`record`, and for every key that the record names `privateKey.<number>` and, where it says so, `passphrase.<number>`;
nothing else. Opening proves that all of it belongs to this namespace and name and fits together; plaintext is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import record_json
from sshcredential_operator.encryption.envelope import Envelope, Kek, open_sealed, parse, seal
from sshcredential_operator.encryption.place import Field, Place, place_of, record_place
from sshcredential_operator.encryption.record import Record, RecordedKey

KekOf = Callable[[str], Kek | None]
"""Gives the KEK of a kid, if this namespace has it."""


class HasFingerprint(Protocol):
    """The public half of a key, as far as it matters here."""

    @property
    def fingerprint(self) -> str:
        """SHA256 fingerprint, as `ssh-keygen -l` shows it."""


PublicHalfOf = Callable[[Sensitive], HasFingerprint | None]
"""Gives the public half of a stored private key, or None for what is no such key."""


class KeyMaterial(NamedTuple):
    """One key in plain: the canonical private key without passphrase, and the passphrase for its copies."""

    private: Sensitive
    passphrase: Sensitive | None


class Unreadability(StrEnum):
    """Unreadability a Secret of our type and name does not open."""

    NO_RECORD = "NoRecord"
    UNKNOWN_KID = "UnknownKid"
    DOES_NOT_OPEN = "DoesNotOpen"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Secret that does not open; `kid` is the unknown one for UNKNOWN_KID."""

    why: Unreadability
    kid: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedCredential:
    """A Secret that opened, every value of it, at its place; `kid` is the record's."""

    record: Record
    kid: str


class _DoesNotFit(Exception):
    def __init__(self, why: Unreadability = Unreadability.DOES_NOT_OPEN, kid: str | None = None) -> None:
        super().__init__()
        self.unreadable = Unreadable(why, kid)


def data_key(field: Field, key_number: int) -> str:
    """Return the name of a value in the Secret's data."""
    return field.value if field is Field.RECORD else f"{field.value}.{key_number}"


def seal_credential(
    record: Record, key_values: Mapping[int, KeyMaterial], kek: Kek, namespace: str, name: str
) -> dict[str, bytes]:
    """Return the whole data of a credential's Secret. Keys that are not exactly the record's raise ValueError."""
    if sorted(key_values) != [key.key_number for key in record.keys]:
        msg = "the keys are not those that the record names"
        raise ValueError(msg)
    data = {data_key(Field.RECORD, 0): reseal_record(record, kek, namespace, name)}
    for number, material in key_values.items():
        data |= seal_key(record, number, material, kek, namespace, name)
    return data


def reseal_record(record: Record, kek: Kek, namespace: str, name: str) -> bytes:
    """Return the new value of `record`; the keys stay as they are."""
    place = record_place(namespace, name, record.credential_id)
    return seal(Sensitive(record_json.to_bytes(record)), kek, place.aad())


def seal_key(
    record: Record, key_number: int, material: KeyMaterial, kek: Kek, namespace: str, name: str
) -> dict[str, bytes]:
    """Return the values of one key of the record; a passphrase that the record does not tell of raises ValueError."""
    entry = record.key(key_number)
    if entry is None or entry.passphrase_protected != (material.passphrase is not None):
        msg = "the key is not what the record says of it"
        raise ValueError(msg)
    values = {Field.PRIVATE_KEY: material.private}
    if material.passphrase is not None:
        values[Field.PASSPHRASE] = material.passphrase
    return {
        data_key(field, key_number): seal(
            value, kek, Place(namespace, name, record.credential_id, key_number, field).aad()
        )
        for field, value in values.items()
    }


def peek_kid(data: Mapping[str, bytes]) -> str | None:
    """Return the kid that the record's envelope claims, before anything is opened."""
    envelope = parse(data.get(Field.RECORD, b""))
    return None if envelope is None else envelope.kid


def peek_kids(data: Mapping[str, bytes]) -> frozenset[str]:
    """Return every kid that the values claim; when a record was sealed under a newer KEK, its keys have the older."""
    return frozenset(envelope.kid for envelope in map(parse, data.values()) if envelope is not None)


def open_credential(
    data: Mapping[str, bytes], namespace: str, name: str, kek_of: KekOf, public_half_of: PublicHalfOf
) -> OpenedCredential | Unreadable:
    """Open everything once; `kek_of` must already know the KEKs of `peek_kids`, as far as this namespace has them."""
    if Field.RECORD not in data:
        return Unreadable(Unreadability.NO_RECORD)
    secret = _Secret(data, namespace, name, kek_of)
    try:
        opened = secret.record()
        secret.prove_keys(opened.record, public_half_of)
    except _DoesNotFit as reason:
        return reason.unreadable
    return opened


def open_key(
    data: Mapping[str, bytes], record: Record, key_number: int, namespace: str, name: str, kek_of: KekOf
) -> KeyMaterial | None:
    """Return one key in plain, for those who need it: exports, targets, tests. None when it does not open."""
    entry = record.key(key_number)
    try:
        return None if entry is None else _Secret(data, namespace, name, kek_of).key(record, entry)
    except _DoesNotFit:
        return None


class _Secret(NamedTuple):
    """A Secret on its way to be opened: every method raises _DoesNotFit."""

    data: Mapping[str, bytes]
    namespace: str
    name: str
    kek_of: KekOf

    def record(self) -> OpenedCredential:
        """Open the record. Its credential id is taken from its own aad, and has to be the opened record's, too."""
        envelope, kek = self._envelope(Field.RECORD, 0)
        place = place_of(envelope.aad)
        if place is None or place != record_place(self.namespace, self.name, place.credential_id):
            raise _DoesNotFit
        plain = open_sealed(envelope, kek, place.aad())
        record = None if plain is None else record_json.from_bytes(plain.reveal())
        if record is None or record.credential_id != place.credential_id:
            raise _DoesNotFit
        return OpenedCredential(record, kek.kid)

    def prove_keys(self, record: Record, public_half_of: PublicHalfOf) -> None:
        """Check that the data is exactly what the record names, and that every private key is the one it tells of."""
        if self.data.keys() != _data_keys(record):
            raise _DoesNotFit
        for entry in record.keys:
            half = public_half_of(self.key(record, entry).private)
            if half is None or half.fingerprint != entry.fingerprint:
                raise _DoesNotFit

    def key(self, record: Record, entry: RecordedKey) -> KeyMaterial:
        """Open one key."""
        private = self._value(record, entry, Field.PRIVATE_KEY)
        return KeyMaterial(
            private, self._value(record, entry, Field.PASSPHRASE) if entry.passphrase_protected else None
        )

    def _value(self, record: Record, entry: RecordedKey, field: Field) -> Sensitive:
        envelope, kek = self._envelope(field, entry.key_number)
        place = Place(self.namespace, self.name, record.credential_id, entry.key_number, field)
        plain = open_sealed(envelope, kek, place.aad())
        if plain is None:
            raise _DoesNotFit
        return plain

    def _envelope(self, field: Field, key_number: int) -> tuple[Envelope, Kek]:
        envelope = parse(self.data.get(data_key(field, key_number), b""))
        if envelope is None:
            raise _DoesNotFit
        kek = self.kek_of(envelope.kid)
        if kek is None:
            raise _DoesNotFit(Unreadability.UNKNOWN_KID, envelope.kid)
        return envelope, kek


def _data_keys(record: Record) -> set[str]:
    private = {data_key(Field.PRIVATE_KEY, key.key_number) for key in record.keys}
    passphrases = {data_key(Field.PASSPHRASE, key.key_number) for key in record.keys if key.passphrase_protected}
    return {data_key(Field.RECORD, 0)} | private | passphrases
