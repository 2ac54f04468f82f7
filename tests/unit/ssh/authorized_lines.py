"""Public keys and arrangements for the tests of authorized_keys files: real keys, made without any program."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sshcredential_operator.encryption.public_line import fingerprint_of
from sshcredential_operator.ssh.visit import Arrangement

MARK: Final = "sshcredential-operator:genomics/hpc-login:6f1c0a"
OTHER_MARK: Final = "sshcredential-operator:genomics/other:77aa01"


def _ed25519() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _rsa() -> str:
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _ecdsa() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEYS: Final = (*(_ed25519() for _ in range(6)), _rsa(), _ecdsa())
A, B, C, D, E, F, RSA, ECDSA = KEYS


def fingerprint(key: str) -> str:
    return fingerprint_of(base64.b64decode(key.split()[1]))


def fingerprints(*keys: str) -> frozenset[str]:
    return frozenset(map(fingerprint, keys))


def arrangement(*wanted: str, kept: tuple[str, ...] = (), options: str = "", mark: str = MARK) -> Arrangement:
    return Arrangement(mark, options, wanted, kept)
