"""PBES2 (RFC 8018, section 6.2) with PBKDF2 or scrypt (RFC 7914, section 7) and a cipher in CBC mode."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader, Tag
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.symmetric import (
    AES128_CBC,
    AES192_CBC,
    AES256_CBC,
    DES_EDE3_CBC,
    CbcCipher,
    cbc_unpadded,
    require_whole_blocks,
)

OID: Final = "1.2.840.113549.1.5.13"
MAX_PBKDF2_ITERATIONS: Final = 2_000_000
MAX_SCRYPT_BYTES: Final = 64 * 1024 * 1024
MAX_SCRYPT_WORK: Final = 8 * MAX_SCRYPT_BYTES
"""Bytes that scrypt passes over: its memory times its parallelisation, which costs time only."""

_PBKDF2: Final = "1.2.840.113549.1.5.12"
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_DIGESTS: Final = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
_CIPHERS: Final = {
    "2.16.840.1.101.3.4.1.2": AES128_CBC,
    "2.16.840.1.101.3.4.1.22": AES192_CBC,
    "2.16.840.1.101.3.4.1.42": AES256_CBC,
    "1.2.840.113549.3.7": DES_EDE3_CBC,
}


def decryption(parameters: DerReader, data: bytes) -> Callable[[bytes], bytes]:
    """Return what decrypts the data with a passphrase; its key derivation is affordable."""
    derivation, encryption = parameters.sequence(), parameters.sequence()
    cipher = _CIPHERS.get(encryption.oid())
    if cipher is None:
        raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER)
    iv = encryption.octets()
    require_whole_blocks(cipher, iv, data)
    derive = _derivation(derivation, cipher)
    return lambda passphrase: cbc_unpadded(cipher, derive(passphrase), iv, data)


def _derivation(algorithm: DerReader, cipher: CbcCipher) -> Callable[[bytes], bytes]:
    oid = algorithm.oid()
    if oid == _PBKDF2:
        return _pbkdf2(algorithm.sequence(), cipher)
    if oid == _SCRYPT:
        return _scrypt(algorithm.sequence(), cipher)
    raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER)


def _pbkdf2(parameters: DerReader, cipher: CbcCipher) -> Callable[[bytes], bytes]:
    salt, iterations = parameters.octets(), parameters.integer()
    _require_key_length(parameters, cipher)
    digest = _digest(parameters)
    if iterations > MAX_PBKDF2_ITERATIONS:
        raise Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="PBKDF2", iterations=iterations, most=MAX_PBKDF2_ITERATIONS)
    if iterations == 0:
        raise corrupt()
    return lambda passphrase: hashlib.pbkdf2_hmac(digest, passphrase, salt, iterations, cipher.key_octets)


def _digest(parameters: DerReader) -> str:
    if parameters.peek() is None:
        return "sha1"
    digest = _DIGESTS.get(parameters.sequence().oid())
    parameters.end()
    if digest is None:
        raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER)
    return digest


def _scrypt(parameters: DerReader, cipher: CbcCipher) -> Callable[[bytes], bytes]:
    salt, n, r, p = parameters.octets(), parameters.integer(), parameters.integer(), parameters.integer()
    _require_key_length(parameters, cipher)
    parameters.end()
    memory = 128 * n * r
    if memory > MAX_SCRYPT_BYTES:
        raise Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="scrypt", bytes=memory, most=MAX_SCRYPT_BYTES)
    if memory * p > MAX_SCRYPT_WORK:
        raise Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="scrypt", bytes=memory * p, most=MAX_SCRYPT_WORK)
    if n <= 1 or n & (n - 1) or not r or not p:
        raise corrupt()
    return lambda passphrase: hashlib.scrypt(
        passphrase, salt=salt, n=n, r=r, p=p, maxmem=2 * MAX_SCRYPT_BYTES, dklen=cipher.key_octets
    )


def _require_key_length(parameters: DerReader, cipher: CbcCipher) -> None:
    if parameters.peek() == Tag.INTEGER and parameters.integer() != cipher.key_octets:
        raise corrupt()
