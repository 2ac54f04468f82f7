"""PBES1 (RFC 8018, section 6.1) and the encryption of PKCS#12 (RFC 7292, appendix B), which old programs write.

Those with RC2, RC4 or MD2 are left out: few programs still have these ciphers, and OpenSSH's library has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.symmetric import (
    DES_CBC,
    DES_EDE2_CBC,
    DES_EDE3_CBC,
    CbcCipher,
    cbc_unpadded,
    require_whole_blocks,
)

MAX_PBES1_ITERATIONS: Final = 500_000
"""In pure Python, which takes a microsecond for each; the programs write 2048."""

_KEY_ID, _IV_ID = 1, 2
_SHA1_BLOCK: Final = 64


class Pbes1(NamedTuple):
    """A cipher, and how its key and initial value come from passphrase, salt and iterations."""

    cipher: CbcCipher
    derive: Callable[[CbcCipher, bytes, bytes, int], tuple[bytes, bytes]]


def decryption(scheme: Pbes1, parameters: DerReader, data: bytes) -> Callable[[bytes], bytes]:
    """Return what decrypts the data with a passphrase; its key derivation is affordable."""
    salt, iterations = parameters.octets(), parameters.integer()
    parameters.end()
    if iterations > MAX_PBES1_ITERATIONS:
        raise Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="PBES1", iterations=iterations, most=MAX_PBES1_ITERATIONS)
    if not iterations or not salt:
        raise corrupt()
    cipher = scheme.cipher
    require_whole_blocks(cipher, bytes(cipher.block_octets), data)

    def decrypt(passphrase: bytes) -> bytes:
        key, iv = scheme.derive(cipher, passphrase, salt, iterations)
        return cbc_unpadded(cipher, key, iv, data)

    return decrypt


def _pbkdf1(digest: str, cipher: CbcCipher, passphrase: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """RFC 8018, section 5.1: the key and the initial value are the first 16 octets."""
    derived = _hashed(digest, passphrase + salt, iterations)
    return derived[: cipher.key_octets], derived[cipher.key_octets : cipher.key_octets + cipher.block_octets]


def _pkcs12(cipher: CbcCipher, passphrase: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """RFC 7292, appendix B.2, with SHA-1. The passphrase is UTF-16 there, with a last NUL."""
    try:
        password = passphrase.decode("utf-8").encode("utf-16-be") + bytes(2)
    except UnicodeDecodeError:
        raise Refusal(KeyRefusal.WRONG_PASSPHRASE) from None
    derive = partial(_pkcs12_octets, password, salt, iterations)
    return derive(_KEY_ID, cipher.key_octets), derive(_IV_ID, cipher.block_octets)


def _pkcs12_octets(password: bytes, salt: bytes, iterations: int, purpose: int, count: int) -> bytes:
    material = _filled(salt) + _filled(password)
    derived = b""
    while len(derived) < count:
        block = _hashed("sha1", bytes([purpose]) * _SHA1_BLOCK + material, iterations)
        derived += block
        material = _stepped(material, int.from_bytes(_filled(block)[:_SHA1_BLOCK], "big") + 1)
    return derived[:count]


def _filled(value: bytes) -> bytes:
    """Repeat a value up to whole blocks."""
    octets = -(-len(value) // _SHA1_BLOCK) * _SHA1_BLOCK
    return (value * (octets // len(value) + 1))[:octets]


def _stepped(material: bytes, step: int) -> bytes:
    blocks = (material[start : start + _SHA1_BLOCK] for start in range(0, len(material), _SHA1_BLOCK))
    limit = 1 << 8 * _SHA1_BLOCK
    return b"".join(((int.from_bytes(block, "big") + step) % limit).to_bytes(_SHA1_BLOCK, "big") for block in blocks)


def _hashed(digest: str, value: bytes, times: int) -> bytes:
    make = partial(hashlib.new, digest, usedforsecurity=False)
    for _ in range(times):
        value = make(value).digest()
    return value


SCHEMES: Final = {
    "1.2.840.113549.1.5.3": Pbes1(DES_CBC, partial(_pbkdf1, "md5")),
    "1.2.840.113549.1.5.10": Pbes1(DES_CBC, partial(_pbkdf1, "sha1")),
    "1.2.840.113549.1.12.1.3": Pbes1(DES_EDE3_CBC, _pkcs12),
    "1.2.840.113549.1.12.1.4": Pbes1(DES_EDE2_CBC, _pkcs12),
}
"""By the OID in the file."""
