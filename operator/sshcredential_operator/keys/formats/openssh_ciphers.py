"""The ciphers with which ssh-keygen encrypts a private key (`cipher.c` and PROTOCOL.chacha20poly1305 of OpenSSH)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.poly1305 import Poly1305

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.symmetric import AES128_CBC, AES192_CBC, AES256_CBC, DES_EDE3_CBC, CbcCipher, cbc_plain

_CHACHA_KEY: Final = 32
_FIRST_BLOCK: Final = bytes(16)
_SECOND_BLOCK: Final = b"\1" + bytes(15)


class SectionCipher(NamedTuple):
    """Sizes in bytes, and how to decrypt: key, initial value, ciphertext, tag."""

    key_octets: int
    iv_octets: int
    block_octets: int
    tag_octets: int
    plain: Callable[[bytes, bytes, bytes, bytes], bytes]


def _cbc(cipher: CbcCipher, key: bytes, iv: bytes, data: bytes, _tag: bytes) -> bytes:
    return cbc_plain(cipher, key, iv, data)


def _ctr(key: bytes, iv: bytes, data: bytes, _tag: bytes) -> bytes:
    return Cipher(AES(key), modes.CTR(iv)).decryptor().update(data)


def _gcm(key: bytes, iv: bytes, data: bytes, tag: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(iv, data + tag, None)
    except InvalidTag:
        raise Refusal(KeyRefusal.WRONG_PASSPHRASE) from None


def _chacha20_poly1305(key: bytes, _iv: bytes, data: bytes, tag: bytes) -> bytes:
    """Decrypt with the first half of the key; the second is for packet lengths, which a file does not have."""
    one_time_key = _chacha20(key, _FIRST_BLOCK, bytes(32))
    if not hmac.compare_digest(Poly1305.generate_tag(one_time_key, data), tag):
        raise Refusal(KeyRefusal.WRONG_PASSPHRASE)
    return _chacha20(key, _SECOND_BLOCK, data)


def _chacha20(key: bytes, counter_and_nonce: bytes, data: bytes) -> bytes:
    return Cipher(ChaCha20(key[:_CHACHA_KEY], counter_and_nonce), mode=None).encryptor().update(data)


def _cbc_section(cipher: CbcCipher) -> SectionCipher:
    return SectionCipher(cipher.key_octets, cipher.block_octets, cipher.block_octets, 0, partial(_cbc, cipher))


SECTION_CIPHERS: Final = {
    b"aes256-ctr": SectionCipher(32, 16, 16, 0, _ctr),
    b"aes192-ctr": SectionCipher(24, 16, 16, 0, _ctr),
    b"aes128-ctr": SectionCipher(16, 16, 16, 0, _ctr),
    b"aes256-cbc": _cbc_section(AES256_CBC),
    b"aes192-cbc": _cbc_section(AES192_CBC),
    b"aes128-cbc": _cbc_section(AES128_CBC),
    b"3des-cbc": _cbc_section(DES_EDE3_CBC),
    b"aes256-gcm@openssh.com": SectionCipher(32, 12, 16, 16, _gcm),
    b"aes128-gcm@openssh.com": SectionCipher(16, 12, 16, 16, _gcm),
    b"chacha20-poly1305@openssh.com": SectionCipher(64, 0, 8, 16, _chacha20_poly1305),
}
