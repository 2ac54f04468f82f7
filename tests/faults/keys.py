"""Private keys that users of plans bring, made afresh. Used by `operations`."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)


def plain_file() -> bytes:
    """Return an OpenSSH file that no passphrase protects."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def encrypted_file(passphrase: bytes) -> bytes:
    """Return an OpenSSH file under a passphrase."""
    protection = BestAvailableEncryption(passphrase)
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, protection)
