"""The source of a key, as the spec asks for it and as the record keeps it. Used by `decide` and `act`."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from sshcredential_operator.api.durations import LONGEST_DURATION, parse_duration
from sshcredential_operator.api.spec import Generate, ImportFrom, Sealed, SecretKeyRef, Source
from sshcredential_operator.api.status import KeyFacts
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.place import CREDENTIAL_ID, MAX_KEY_NUMBER
from sshcredential_operator.encryption.record import (
    FromGenerate,
    FromImport,
    FromSealed,
    Record,
    RecordedSource,
    SecretKey,
)
from sshcredential_operator.encryption.record_json import MAX_SERIAL


def to_record(source: Source, fingerprint: str) -> RecordedSource:
    """Return what the record keeps of a source; `fingerprint` is that of the key it gave."""
    match source:
        case Generate():
            return FromGenerate()
        case ImportFrom(private_key, passphrase):
            return FromImport(_kept(private_key), _kept(passphrase) if passphrase else None, fingerprint)
        case Sealed():
            return FromSealed(fingerprint)
    assert_never(source)


def is_from(recorded: RecordedSource, source: Source) -> bool:
    """Whether a stored key came from the source that the spec names now."""
    match recorded, source:
        case FromGenerate(), Generate():
            return True
        case FromImport(private_key=private_key, passphrase=passphrase), ImportFrom(wanted, wanted_passphrase):
            kept = _kept(wanted_passphrase) if wanted_passphrase else None
            return (private_key, passphrase) == (_kept(wanted), kept)
        case FromSealed(), Sealed():
            return True
    return False


def describe_recorded_source(recorded: RecordedSource) -> str:
    """Return a recorded source in the words of the spec."""
    match recorded:
        case FromGenerate():
            return "generate"
        case FromImport(private_key=private_key):
            return f"importFrom Secret {private_key.secret_name}, key {private_key.key}"
        case FromSealed():
            return "sealed"
    assert_never(recorded)


def can_be_recorded(facts: KeyFacts) -> bool:
    """Whether a status names a key in the form that a record has; somebody else may have written into the status."""
    return (
        CREDENTIAL_ID.fullmatch(facts.credential_id) is not None
        and 0 < facts.key_number <= MAX_KEY_NUMBER
        and 0 <= facts.rotation_serial <= MAX_SERIAL
        and parse_timestamp(facts.created_at) is not None
    )


def grace_period(record: Record) -> timedelta:
    """Return how long the Secret is kept after its credential's deletion; longest where that cannot be read."""
    parsed = parse_duration(record.deletion_grace_period)
    return LONGEST_DURATION if parsed is None else parsed


def _kept(reference: SecretKeyRef) -> SecretKey:
    return SecretKey(reference.secret_name, reference.key)
