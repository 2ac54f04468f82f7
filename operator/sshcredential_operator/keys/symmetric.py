"""Decryption in CBC mode as the PEM formats use it. Ciphers come from cryptography, a wrong passphrase is a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.refusal import Refusal, corrupt


class CbcCipher(NamedTuple):
    """A block cipher in CBC mode; sizes in bytes."""

    algorithm: Callable[[bytes], BlockCipherAlgorithm]
    key_octets: int
    block_octets: int


AES128_CBC: Final = CbcCipher(AES, 16, 16)
AES192_CBC: Final = CbcCipher(AES, 24, 16)
AES256_CBC: Final = CbcCipher(AES, 32, 16)
DES_EDE3_CBC: Final = CbcCipher(TripleDES, 24, 8)
DES_EDE2_CBC: Final = CbcCipher(lambda key: TripleDES(key + key[:8]), 16, 8)
DES_CBC: Final = CbcCipher(lambda key: TripleDES(key * 3), 8, 8)
"""DES itself is triple DES with one key three times."""


def require_whole_blocks(cipher: CbcCipher, iv: bytes, data: bytes) -> None:
    """Make sure, before a key is derived, that this can be a ciphertext at all."""
    if len(iv) != cipher.block_octets or not data or len(data) % cipher.block_octets:
        raise corrupt()


def cbc_plain(cipher: CbcCipher, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Return the decrypted blocks."""
    decryptor = Cipher(cipher.algorithm(key), modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def cbc_unpadded(cipher: CbcCipher, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Return the decrypted data without its padding (RFC 5652, section 6.3), which a wrong passphrase spoils."""
    plain = cbc_plain(cipher, key, iv, data)
    count = plain[-1]
    if not 0 < count <= cipher.block_octets or plain[-count:] != bytes([count]) * count:
        raise Refusal(KeyRefusal.WRONG_PASSPHRASE)
    return plain[:-count]
