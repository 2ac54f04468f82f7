"""What the operator remembers of one credential, stored encrypted beside its keys. Made and read by `reconcile`.

The status is derived from it, never the other way. It tells everything but the keys: no private key, no passphrase.
The stored form is `record_json`'s. Times are RFC 3339 in UTC with whole seconds, such as 2025-01-31T12:00:00Z: they
compare as text.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, NamedTuple

from sshcredential_operator.api.algorithms import Algorithm

MAX_PREVIOUS: Final = 5
MAX_KEYS: Final = MAX_PREVIOUS + 2


class NextKey(NamedTuple):
    """A key that is announced and not yet used."""

    key_number: int
    promotes_at: str


class PreviousKey(NamedTuple):
    """A key that was replaced and stays usable for a while."""

    key_number: int
    until: str


@dataclass(frozen=True, slots=True)
class RecordedKey:
    """The public facts of one stored key. `passphrase_protected`: a passphrase is stored beside it, for its copies."""

    key_number: int
    algorithm: Algorithm
    bits: int
    fingerprint: str
    public_key: str
    created_at: str
    passphrase_protected: bool
    notes: tuple[str, ...] = ()


class SecretKey(NamedTuple):
    """One key of a Secret's data, in the credential's own namespace."""

    secret_name: str
    key: str


@dataclass(frozen=True, slots=True)
class FromGenerate:
    """The operator made the key."""


@dataclass(frozen=True, slots=True)
class FromImport:
    """The key was taken from a Secret; `fingerprint` is that of the key that was taken last."""

    private_key: SecretKey
    passphrase: SecretKey | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class FromSealed:
    """The key came encrypted in the spec; `fingerprint` is that of the sealed value that was honoured last."""

    fingerprint: str


RecordedSource = FromGenerate | FromImport | FromSealed


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about a credential's keys. `keys` ascend by number and are exactly current, next and previous."""

    credential_id: str
    current: int
    next: NextKey | None
    previous: tuple[PreviousKey, ...]
    keys: tuple[RecordedKey, ...]
    highest_key_number: int
    rotation_serial: int
    rollback_to: str | None
    source: RecordedSource
    deletion_policy: str
    deletion_grace_period: str

    def key(self, key_number: int) -> RecordedKey | None:
        """Return the facts of one key."""
        return next((key for key in self.keys if key.key_number == key_number), None)

    @property
    def current_key(self) -> RecordedKey:
        """The facts of the key in use."""
        return next(key for key in self.keys if key.key_number == self.current)

    @property
    def is_consistent(self) -> bool:
        """Whether keys ascend, are what current, next and previous name once each, and none is above the highest."""
        held = [key.key_number for key in self.keys]
        named = [self.current, *(old.key_number for old in self.previous)]
        if self.next is not None:
            named.append(self.next.key_number)
        return sorted(set(named)) == held and len(named) == len(held) and self.highest_key_number >= held[-1]


def new_credential_id() -> str:
    """Return a fresh random identity for a credential: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def first_record(
    *,
    credential_id: str,
    key: RecordedKey,
    source: RecordedSource,
    deletion_policy: str,
    deletion_grace_period: str,
    rotation_serial: int = 0,
) -> Record:
    """Return the record of a credential that has one key and no history."""
    return Record(
        credential_id=credential_id,
        current=key.key_number,
        next=None,
        previous=(),
        keys=(key,),
        highest_key_number=key.key_number,
        rotation_serial=rotation_serial,
        rollback_to=None,
        source=source,
        deletion_policy=deletion_policy,
        deletion_grace_period=deletion_grace_period,
    )
