"""OpenSSH's own format, version 1, plain or encrypted: `OPENSSH PRIVATE KEY`."""

from __future__ import annotations

from typing import Final

import bcrypt

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.formats.found import Candidate, Found, Locked
from sshcredential_operator.keys.formats.openssh_ciphers import SECTION_CIPHERS, SectionCipher
from sshcredential_operator.keys.openssh import (
    NO_CIPHER,
    Container,
    check_numbers_agree,
    container,
    section,
    shown_comment,
)
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.wire import WireReader

MAX_BCRYPT_ROUNDS: Final = 128
_PLAIN_BLOCK: Final = 8


def read(body: bytes) -> Candidate:
    """Return the key in a decoded file; of an encrypted one the public half is known at once."""
    outer = container(body)
    public = public_key(outer.public_blob)
    if outer.cipher == NO_CIPHER:
        if outer.kdf != NO_CIPHER or outer.kdf_options or outer.tag or len(outer.section) % _PLAIN_BLOCK:
            raise corrupt()
        return _found(outer, outer.section)
    cipher = SECTION_CIPHERS.get(outer.cipher)
    if cipher is None or outer.kdf != b"bcrypt":
        raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER).about(public)
    data_fits = outer.section and len(outer.section) % cipher.block_octets == 0
    if not data_fits or len(outer.tag) != cipher.tag_octets:
        raise corrupt().about(public)
    salt, rounds = _kdf_options(outer.kdf_options)
    if rounds > MAX_BCRYPT_ROUNDS:
        refusal = Refusal(KeyRefusal.KDF_TOO_EXPENSIVE, kdf="bcrypt", rounds=rounds, most=MAX_BCRYPT_ROUNDS)
        raise refusal.about(public)

    def unlock(passphrase: bytes) -> Found:
        return _found(outer, _decrypted(outer, cipher, passphrase, salt, rounds))

    return Locked(unlock, public)


def _kdf_options(options: bytes) -> tuple[bytes, int]:
    reader = WireReader(options)
    salt, rounds = reader.string(), reader.uint32()
    reader.end()
    if not salt or not rounds:
        raise corrupt()
    return salt, rounds


def _decrypted(outer: Container, cipher: SectionCipher, passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    octets = cipher.key_octets + cipher.iv_octets
    derived = bcrypt.kdf(passphrase, salt, octets, rounds, ignore_few_rounds=True)
    key, iv = derived[: cipher.key_octets], derived[cipher.key_octets :]
    plain = cipher.plain(key, iv, outer.section, outer.tag)
    if not check_numbers_agree(plain):
        raise Refusal(KeyRefusal.WRONG_PASSPHRASE)
    return plain


def _found(outer: Container, plain: bytes) -> Found:
    inner = section(plain)
    return Found(inner.private, (outer.public_blob, *inner.claims), shown_comment(inner.comment))
