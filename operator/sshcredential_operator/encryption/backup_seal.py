"""The outer shell of a backup file: one JWE in compact form, for a recipient's X25519 key or under a passphrase.

Used by `sshcred keyring backup`, `restore` and `recover`. Any JOSE library opens it: ECDH-ES+A256KW (RFC 8037) or
PBES2-HS512+A256KW (RFC 7518 section 4.8), A256GCM. What a header asks for is judged before a passphrase is tried.
"""

from __future__ import annotations

import binascii
import secrets
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from joserfc.registry import HeaderParameter

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json, x25519_jwe
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.recipient import RecipientKey, recipient_key

TYPE: Final = "sshcredentials.dev/key-ring-backup"
ENC: Final = "A256GCM"
BY_PASSPHRASE: Final = "PBES2-HS512+A256KW"
BY_KEY: Final = "ECDH-ES+A256KW"
ITERATIONS: Final = 250_000
"""Of PBKDF2 with HMAC-SHA512: above the 210,000 that OWASP asks for, and below what the library takes at most."""
FEWEST_ITERATIONS: Final = 100_000
MOST_ITERATIONS: Final = 299_999
SALT_SIZE: Final = 16
THUMBPRINT_SIZE: Final = 32
SHORTEST_PASSPHRASE: Final = 16
LONGEST_PASSPHRASE: Final = 1024
LONGEST: Final = 384 * 1024 * 1024
"""Of the file: a third more than of what it holds."""

_LIBRARY_ERRORS: Final = (JoseError, InvalidTag, binascii.Error, ValueError, TypeError, KeyError)
_BY_KEY_HEADER: Final = frozenset({"typ", "alg", "enc", "kid", "epk"})
_BY_PASSPHRASE_HEADER: Final = frozenset({"typ", "alg", "enc", "p2s", "p2c"})
_MOST_HEADER: Final = 2048
_PARTS: Final = 5
_EPK: Final = {"kty": "OKP", "crv": "X25519"}


class _Registry(jwe.JWERegistry):
    """Lets a value be as long as a key ring may be; the library's own limit is for tokens."""

    max_ciphertext_length = 384 * 1024 * 1024


_REGISTRY: Final = _Registry(
    algorithms=[BY_KEY, BY_PASSPHRASE, ENC],
    header_registry={"typ": HeaderParameter("typ", "str", required=True)},
)


class Passphrase(NamedTuple):
    """What a person keeps apart from the file."""

    words: Sensitive


class Identity(NamedTuple):
    """A recipient's private key: the members `x` and `d` of its JWK."""

    x: str
    d: Sensitive

    @property
    def jwk(self) -> dict[str, Any]:
        """The JWK; a secret."""
        return {**_EPK, "x": self.x, "d": b64url.encode(self.d.reveal())}


class Unopened(StrEnum):
    """Why a backup file does not open, in words for a person."""

    NO_BACKUP = "it is no backup of a key ring, or it was cut or changed"
    NEEDS_PASSPHRASE = "it was made with a passphrase: give it with --passphrase-file"
    NEEDS_IDENTITY = "it was made for a recipient's key: give the private one with --identity"
    OTHER_KEY = "it was made for another recipient's key"
    WRONG_PASSPHRASE = "the passphrase is not the one that it was made with, or the file was changed"
    CHANGED = "the file was changed after it was made"


def seal_backup(plain: Sensitive, to: RecipientKey | Passphrase) -> bytes:
    """Return the file's text."""
    header: dict[str, object] = {"typ": TYPE, "alg": BY_KEY, "enc": ENC}
    key: OKPKey | OctKey
    match to:
        case RecipientKey():
            header["kid"] = to.kid
            key = OKPKey.import_key({**_EPK, "x": to.x})
        case Passphrase():
            salt = b64url.encode(secrets.token_bytes(SALT_SIZE))
            header |= {"alg": BY_PASSPHRASE, "p2s": salt, "p2c": ITERATIONS}
            key = OctKey.import_key(to.words.reveal())
    return jwe.encrypt_compact(header, plain.reveal(), key, registry=_REGISTRY).encode("ascii") + b"\n"


def open_backup(text: bytes, by: Identity | Passphrase) -> Sensitive | Unopened:
    """Return what the file holds, or why it does not open."""
    text = text.strip()
    try:
        header = _header(text)
    except Malformed:
        return Unopened.NO_BACKUP
    is_by_key = header["alg"] == BY_KEY
    key: OKPKey | OctKey
    match by:
        case Identity():
            own = recipient_key(by.x)
            if not is_by_key:
                return Unopened.NEEDS_PASSPHRASE
            if own is None or own.kid != header["kid"] or len(by.d) != x25519_jwe.KEY_SIZE:
                return Unopened.OTHER_KEY
            key = OKPKey.import_key(by.jwk)
        case Passphrase():
            if is_by_key:
                return Unopened.NEEDS_IDENTITY
            key = OctKey.import_key(by.words.reveal())
    plain = _decrypted(text, key)
    return plain or (Unopened.CHANGED if is_by_key else Unopened.WRONG_PASSPHRASE)


def is_long_enough(passphrase: Passphrase) -> bool:
    """Whether it may protect every key of a cluster."""
    return SHORTEST_PASSPHRASE <= len(passphrase.words) <= LONGEST_PASSPHRASE


def _decrypted(text: bytes, key: OKPKey | OctKey) -> Sensitive | None:
    try:
        opened = jwe.decrypt_compact(text.decode("ascii"), key, registry=_REGISTRY)
    except _LIBRARY_ERRORS:  # their texts are never looked at
        return None
    return Sensitive(opened.plaintext) if opened.plaintext else None


def _header(text: bytes) -> dict[str, object]:
    """Return the protected header, unproven, or raise Malformed for anything that `seal_backup` would not make."""
    parts = text.split(b".") if len(text) <= LONGEST else []
    if len(parts) != _PARTS or not text.isascii() or len(parts[0]) > _MOST_HEADER:
        raise Malformed
    if not all(b64url.is_canonical(part.decode("ascii")) for part in parts):
        raise Malformed
    header = exact_json.read(b64url.decode(parts[0].decode("ascii")) or b"", _MOST_HEADER)
    if not isinstance(header, dict) or (header.get("typ"), header.get("enc")) != (TYPE, ENC):
        raise Malformed
    if header.get("alg") == BY_PASSPHRASE and header.keys() == _BY_PASSPHRASE_HEADER:
        exact_json.number(header["p2c"], FEWEST_ITERATIONS, MOST_ITERATIONS)
        if not b64url.is_canonical(header["p2s"], SALT_SIZE):
            raise Malformed
        return header
    epk = header.get("epk")
    if header.get("alg") != BY_KEY or header.keys() != _BY_KEY_HEADER or not isinstance(epk, dict):
        raise Malformed
    if not b64url.is_canonical(header["kid"], THUMBPRINT_SIZE):
        raise Malformed
    if {name: value for name, value in epk.items() if name != "x"} != _EPK or recipient_key(epk.get("x")) is None:
        raise Malformed
    return header
