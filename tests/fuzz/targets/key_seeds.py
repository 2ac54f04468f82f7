"""Key files of every form and kind, made when they are asked for, and those of cryptography's own tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import cryptography_vectors
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.generate import generate

PASSPHRASE: Final = b"correct horse 7"
BEFORE_FILE: Final = b"\n#file\n"
"""Stands between a passphrase and the file in an input."""
_LARGEST_VECTOR: Final = 8 * 1024
_OF_THE_VECTORS: Final = ("password", "foobar", "123456", "baz", "a123456", "Red Hat Enterprise Linux 7.4")


@cache
def key_files() -> tuple[bytes, ...]:
    """Return inputs: files, some behind a passphrase and `BEFORE_FILE`."""
    keys = (
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
    )
    files = []
    for key in keys:
        for encoding, form in _FORMS:
            if isinstance(key, ed25519.Ed25519PrivateKey) and form is PrivateFormat.TraditionalOpenSSL:
                continue
            files.append(key.private_bytes(encoding, form, NoEncryption()))
            if not (encoding is Encoding.DER and form is PrivateFormat.TraditionalOpenSSL):
                locked = key.private_bytes(encoding, form, _quick(form))
                files.append(PASSPHRASE + BEFORE_FILE + locked)
    files.append(generate(Algorithm.ED25519, 256, "ada@example").private.reveal())
    return (*files, *_vectors())


def _quick(form: PrivateFormat) -> KeySerializationEncryption:
    """Return an encryption that costs little to open."""
    if form is PrivateFormat.OpenSSH:
        return form.encryption_builder().kdf_rounds(1).build(PASSPHRASE)
    return BestAvailableEncryption(PASSPHRASE)


_FORMS: Final = (
    (Encoding.PEM, PrivateFormat.OpenSSH),
    (Encoding.PEM, PrivateFormat.PKCS8),
    (Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (Encoding.DER, PrivateFormat.PKCS8),
    (Encoding.DER, PrivateFormat.TraditionalOpenSSL),
)


def _vectors() -> list[bytes]:
    root = Path(cryptography_vectors.__file__).parent / "asymmetric"
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size <= _LARGEST_VECTOR)
    return [
        (_OF_THE_VECTORS[number % len(_OF_THE_VECTORS)].encode() + BEFORE_FILE if "enc" in path.name else b"")
        + path.read_bytes()
        for number, path in enumerate(paths)
    ]


def parted(data: bytes) -> tuple[Sensitive, Sensitive | None]:
    """Return file and passphrase of an input."""
    passphrase, between, file = data.partition(BEFORE_FILE)
    return (Sensitive(file), Sensitive(passphrase)) if between else (Sensitive(data), None)
