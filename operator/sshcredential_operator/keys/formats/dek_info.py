"""The old encryption of PEM bodies (RFC 1421's DEK-Info with OpenSSL's MD5 key derivation), round any private key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys.formats.der_forms import read_plain
from sshcredential_operator.keys.formats.found import Found, Locked, read_decrypted
from sshcredential_operator.keys.formats.shapes import label_of
from sshcredential_operator.keys.pem import Block
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.symmetric import (
    AES128_CBC,
    AES192_CBC,
    AES256_CBC,
    DES_EDE3_CBC,
    cbc_unpadded,
    require_whole_blocks,
)

_PROC_TYPE: Final = "Proc-Type"
_DEK_INFO: Final = "DEK-Info"
_ENCRYPTED: Final = "4,ENCRYPTED"
_SALT_OCTETS: Final = 8
CIPHERS: Final = {
    "AES-128-CBC": AES128_CBC,
    "AES-192-CBC": AES192_CBC,
    "AES-256-CBC": AES256_CBC,
    "DES-EDE3-CBC": DES_EDE3_CBC,
}


def locked(block: Block) -> Locked:
    """Return the encrypted key in a block with headers. Which form it has shows when it is decrypted."""
    headers = dict(block.headers)
    if headers.keys() != {_PROC_TYPE, _DEK_INFO} or headers[_PROC_TYPE] != _ENCRYPTED:
        raise corrupt()
    name, _, iv_text = headers[_DEK_INFO].partition(",")
    cipher = CIPHERS.get(name)
    if cipher is None:
        raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER)
    iv, data = _octets(iv_text), block.body()
    require_whole_blocks(cipher, iv, data)

    def read(plain: bytes) -> Found:
        found = read_plain(plain)
        return found if label_of(plain) == block.label else replace(found, notes=(Note.LABEL_REPAIRED,))

    def unlock(passphrase: bytes) -> Found:
        key = _derived_key(passphrase, iv[:_SALT_OCTETS], cipher.key_octets)
        return read_decrypted(read, cbc_unpadded(cipher, key, iv, data))

    return Locked(unlock, notes=(Note.LEGACY_KDF,))


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise corrupt() from None


def _derived_key(passphrase: bytes, salt: bytes, octets: int) -> bytes:
    """Return what OpenSSL's EVP_BytesToKey gives with MD5 and one iteration."""
    key = digest = b""
    while len(key) < octets:
        digest = hashlib.md5(digest + passphrase + salt, usedforsecurity=False).digest()
        key += digest
    return key[:octets]
