"""What the status tells of a credential's current key: pure. Used by `report`, and by `checks` to compare."""

from __future__ import annotations

from sshcredential_operator.api.status import KeyFacts
from sshcredential_operator.encryption.record import Record


def facts_of(record: Record, key_id: str) -> KeyFacts:
    """Return what the status tells of the record's current key."""
    key = record.current_key
    return KeyFacts(
        credential_id=record.credential_id,
        key_number=key.key_number,
        rotation_serial=record.rotation_serial,
        algorithm=key.algorithm.value,
        bits=key.bits,
        fingerprint=key.fingerprint,
        public_key=key.public_key,
        passphrase_protected=key.passphrase_protected,
        created_at=key.created_at,
        key_id=key_id,
    )
