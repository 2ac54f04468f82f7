"""How a PuTTY file's keys come from its passphrase: SHA-1 in version 2, Argon2 in version 3. Used by `ppk`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.formats.ppk_text import PpkFile, hex_octets
from sshcredential_operator.keys.refusal import Refusal, corrupt

MAX_ARGON2_BYTES: Final = 64 * 1024 * 1024
MAX_ARGON2_WORK: Final = 32 * MAX_ARGON2_BYTES
"""Bytes that Argon2 passes over: its memory times its passes."""

_VARIANTS: Final[dict[bytes, type[Argon2d | Argon2i | Argon2id]]] = {
    b"Argon2id": Argon2id,
    b"Argon2i": Argon2i,
    b"Argon2d": Argon2d,
}
_KEY, _IV, _CHECKSUM_KEY = 32, 16, 32
_VERSION_2: Final = 2
_CHECKSUM_SALT: Final = b"putty-private-key-file-mac-key"
_NUMBER: Final = re.compile(rb"[0-9]{1,10}")
_LEAST_SALT: Final = 8
_LEAST_KIB_PER_LANE: Final = 8


class PpkKeys(NamedTuple):
    """What opens the private part, and what checks it."""

    key: bytes
    iv: bytes
    checksum_key: bytes


def keys_without_passphrase(version: int) -> PpkKeys:
    """Return what a file that is not encrypted is checked with."""
    if version == _VERSION_2:
        return _version_2(b"")
    return PpkKeys(b"", b"", b"")


def derivation(file: PpkFile) -> Callable[[bytes], PpkKeys]:
    """Return the key derivation of an encrypted file, which is affordable."""
    return _version_2 if file.version == _VERSION_2 else _argon2(file.derivation)


def _version_2(passphrase: bytes) -> PpkKeys:
    counted = b"".join(_sha1(number.to_bytes(4, "big") + passphrase) for number in range(2))
    return PpkKeys(counted[:_KEY], bytes(_IV), _sha1(_CHECKSUM_SALT + passphrase))


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _argon2(fields: dict[bytes, bytes]) -> Callable[[bytes], PpkKeys]:
    variant = _VARIANTS.get(fields.get(b"Key-Derivation", b""))
    if variant is None:
        raise Refusal(KeyRefusal.PPK_FORMAT)
    kibibytes, passes, lanes = (
        _number(fields, name) for name in (b"Argon2-Memory", b"Argon2-Passes", b"Argon2-Parallelism")
    )
    salt = hex_octets(fields.get(b"Argon2-Salt", b""))
    memory = kibibytes * 1024
    for costs, most in ((memory, MAX_ARGON2_BYTES), (memory * passes, MAX_ARGON2_WORK)):
        if costs > most:
            raise Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="Argon2", bytes=costs, most=most)
    if not passes or not lanes or kibibytes < _LEAST_KIB_PER_LANE * lanes or len(salt) < _LEAST_SALT:
        raise corrupt()

    def derive(passphrase: bytes) -> PpkKeys:
        length = _KEY + _IV + _CHECKSUM_KEY
        kdf = variant(salt=salt, length=length, iterations=passes, lanes=lanes, memory_cost=kibibytes)
        derived = kdf.derive(passphrase)
        return PpkKeys(derived[:_KEY], derived[_KEY : _KEY + _IV], derived[_KEY + _IV :])

    return derive


def _number(fields: dict[bytes, bytes], name: bytes) -> int:
    value = fields.get(name, b"")
    if _NUMBER.fullmatch(value) is None:
        raise corrupt()
    return int(value)
