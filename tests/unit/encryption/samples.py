"""Values that these tests share: keys that are visibly none, public halves of patterns, records of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.credential_secret import KeyMaterial
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.record import FromGenerate, NextKey, PreviousKey, Record, RecordedKey

NAMESPACE = "genomics"
NAME = "hpc-login"
UID = "6f1c0a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5b"
OTHER_UID = "6f1c0a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5c"
CREDENTIAL_ID = "0123456789abcdef0123456789abcdef"

KEK = Kek("1.6f1c0a2b3c4d.00000000000000aa", Sensitive(bytes(range(32))))
OTHER_KEK = Kek("2.6f1c0a2b3c4d.00000000000000bb", Sensitive(bytes(range(32, 64))))
ROOT = Kek("00000000000000cc", Sensitive(bytes(range(64, 96))))
OTHER_ROOT = Kek("00000000000000dd", Sensitive(bytes(range(96, 128))))

unhurried = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine is no failure."""


@dataclass(frozen=True, slots=True)
class Half:
    """A public half, as far as it matters to a credential's Secret."""

    fingerprint: str


def wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def line(key_type: str, rest: bytes, comment: str = "") -> tuple[str, str]:
    """Return an authorized_keys line around some bytes, and its fingerprint."""
    blob = wire(key_type.encode()) + rest
    return f"{key_type} {base64.b64encode(blob).decode()} {comment}".rstrip(), fingerprint(blob)


def recorded_key(key_number: int, *, passphrase: bool = False, notes: tuple[str, ...] = ()) -> RecordedKey:
    """Return the facts of an Ed25519 key whose public half is a pattern of its number."""
    public_key, mark = line("ssh-ed25519", wire(bytes([key_number % 256]) * 32), "genomics@hpc")
    return RecordedKey(
        key_number=key_number,
        algorithm=Algorithm.ED25519,
        bits=256,
        fingerprint=mark,
        public_key=public_key,
        created_at="2026-01-31T12:00:00Z",
        passphrase_protected=passphrase,
        notes=notes,
    )


def private_key(key_number: int) -> Sensitive:
    """Return what stands for a private key: a text that says so, in which `public_half` finds the number."""
    return Sensitive(b"test-only, not a key: %d\n" % key_number)


def public_half(private: Sensitive) -> Half | None:
    """Stand for the reading of a private key."""
    text, _, number = private.reveal().rpartition(b" ")
    return Half(recorded_key(int(number)).fingerprint) if text == b"test-only, not a key:" else None


RECORD = Record(
    credential_id=CREDENTIAL_ID,
    current=1,
    next=None,
    previous=(),
    keys=(recorded_key(1),),
    highest_key_number=1,
    rotation_serial=0,
    rollback_to=None,
    source=FromGenerate(),
    deletion_policy="Delete",
    deletion_grace_period="168h",
)

FULL_RECORD = replace(
    RECORD,
    current=4,
    next=NextKey(5, "2026-02-01T00:00:00Z"),
    previous=(PreviousKey(3, "2026-02-02T00:00:00Z"), PreviousKey(1, "2026-02-03T00:00:00Z")),
    keys=(
        recorded_key(1),
        recorded_key(3, passphrase=True),
        recorded_key(4, passphrase=True, notes=("NoPassphrase", "SmallExponent")),
        recorded_key(5),
    ),
    highest_key_number=6,
    rotation_serial=2**63 - 1,
    rollback_to=recorded_key(3).fingerprint,
)


def material(record: Record) -> dict[int, KeyMaterial]:
    """Return the keys that a record names."""
    return {
        key.key_number: KeyMaterial(
            private_key(key.key_number),
            Sensitive(b"test-only passphrase") if key.passphrase_protected else None,
        )
        for key in record.keys
    }
