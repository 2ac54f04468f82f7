"""A stored key as a file for its users: with its passphrase put on again, or in an older form.

Used by `exports`, and at a desk before a key is sealed. Our own plain form is handed out as it is stored; the older one
is written by `cryptography`.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Final

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.openssh import (
    Container,
    canonical_body,
    container,
    section,
    written_file,
    written_section,
)
from sshcredential_operator.keys.wire import string, uint32

BCRYPT_ROUNDS: Final = 16
"""As ssh-keygen has it by default."""
_SALT: Final = 16
_AES_KEY: Final = 32
_AES_BLOCK: Final = 16


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

    Ends with one line end. A new salt every time: the same key gives other bytes. The comment is kept by the OpenSSH
    form; the other has no place for one.
    """
    if form is KeyFormat.OPENSSH:
        return stored if passphrase is None else Sensitive(_encrypted(stored.reveal(), passphrase.reveal()))
    key = load_ssh_private_key(stored.reveal(), None)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.reveal())
    return Sensitive(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption))


def _encrypted(stored: bytes, passphrase: bytes) -> bytes:
    """Return the file as ssh-keygen would encrypt it (PROTOCOL.key in OpenSSH's source)."""
    outer = container(canonical_body(stored) or b"")
    plain, salt = section(outer.section), secrets.token_bytes(_SALT)
    derived = bcrypt.kdf(passphrase, salt, _AES_KEY + _AES_BLOCK, BCRYPT_ROUNDS, ignore_few_rounds=True)
    inner = written_section(plain.private, outer.public_blob, plain.comment, _AES_BLOCK)
    cipher = Cipher(AES(derived[:_AES_KEY]), modes.CTR(derived[_AES_KEY:]))
    options = string(salt) + uint32(BCRYPT_ROUNDS)
    return written_file(
        Container(b"aes256-ctr", b"bcrypt", options, outer.public_blob, cipher.encryptor().update(inner), b"")
    )
