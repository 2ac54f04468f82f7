"""A stored key as a file for its users: with its passphrase put on again, or in an older form. Used by `exports`.

Written by `cryptography`; only our own plain form is handed out as it is stored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive

BCRYPT_ROUNDS: Final = 16
"""As ssh-keygen has it by default."""


class KeyFormat(StrEnum):
    """The form of a private key file."""

    OPENSSH = "OpenSSH"
    PEM = "PEM"
    """PKCS#1 for RSA, SEC1 for ECDSA; there is none for Ed25519 that ssh would read."""


def can_be_handed_out(algorithm: Algorithm, form: KeyFormat) -> bool:
    """Whether a key of this algorithm has this form."""
    return form is KeyFormat.OPENSSH or algorithm is not Algorithm.ED25519


def handed_out(stored: Sensitive, passphrase: Sensitive | None, form: KeyFormat) -> Sensitive:
    """Return the file of a key that `stored_public_key` has read; `passphrase` None leaves it unencrypted.

    Ends with one line end. A new salt every time: the same key gives other bytes. The comment is kept only by the plain
    OpenSSH form.
    """
    if form is KeyFormat.OPENSSH and passphrase is None:
        return stored
    key = load_ssh_private_key(stored.reveal(), None)
    shape = PrivateFormat.OpenSSH if form is KeyFormat.OPENSSH else PrivateFormat.TraditionalOpenSSL
    return Sensitive(key.private_bytes(Encoding.PEM, shape, _encryption(passphrase, shape)))


def _encryption(passphrase: Sensitive | None, shape: PrivateFormat) -> KeySerializationEncryption:
    if passphrase is None:
        return NoEncryption()
    if shape is PrivateFormat.OpenSSH:
        return shape.encryption_builder().kdf_rounds(BCRYPT_ROUNDS).build(passphrase.reveal())
    return BestAvailableEncryption(passphrase.reveal())
