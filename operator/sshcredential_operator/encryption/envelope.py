"""One stored value as a JWE (RFC 7516), flattened JSON, A256GCM under a data key of its own. Used by everything stored.

The data key is wrapped by A256GCMKW (RFC 7518 section 4.7). `alg`, `kid` and the wrapping's parameters are in the
per-recipient header, so a value is put under another key without touching ciphertext or tag. `parse` comes before the
library: joserfc alone lets `zip` and `enc` in unprotected headers, further recipients and other spellings pass.
"""

from __future__ import annotations

import binascii
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.exact_json import Malformed

KEY_SIZE: Final = 32
IV_SIZE: Final = 12
TAG_SIZE: Final = 16
MAX_PLAINTEXT: Final = 48 * 1024
MAX_AAD: Final = 1024
MAX_ENVELOPE: Final = 68 * 1024
"""Room for the longest plaintext and aad in base64url, and for the rest."""

KID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

ALG: Final = "A256GCMKW"
ENC: Final = "A256GCM"
PROTECTED: Final = b64url.encode(exact_json.write({"enc": ENC}))

_MEMBERS: Final = frozenset({"protected", "header", "encrypted_key", "iv", "ciphertext", "tag", "aad"})
_HEADERS: Final = frozenset({"alg", "kid", "iv", "tag"})
_LIBRARY_ERRORS: Final = (JoseError, InvalidTag, binascii.Error, ValueError, TypeError)
_REGISTRY: Final = jwe.JWERegistry(algorithms=[ALG, ENC])


@dataclass(frozen=True, slots=True)
class Kek:
    """A key that wraps data keys: a workspace's KEK, or a root key. 32 bytes, named by its `kid`."""

    kid: str
    key: Sensitive
    jose: OctKey = field(init=False, repr=False, compare=False)
    """The library's form of the same key, made once: making it takes a fifth of the time of opening a value."""

    def __post_init__(self) -> None:
        if len(self.key) != KEY_SIZE or KID.fullmatch(self.kid) is None:
            msg = "a key-encryption key has 32 bytes and a kid of 1 to 64 letters, digits, dots, dashes and underscores"
            raise ValueError(msg)
        object.__setattr__(self, "jose", OctKey.import_key(self.key.reveal()))


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that the one shape leaves open. Its strings are canonical base64url of the right length."""

    kid: str
    key_iv: str
    key_tag: str
    encrypted_key: str
    iv: str
    ciphertext: str
    tag: str
    aad: bytes

    def to_bytes(self) -> bytes:
        """Return the stored form: compact JSON, members in a fixed order."""
        return exact_json.write(self.members())

    def members(self) -> dict[str, object]:
        """Return the JWE as a JSON object."""
        return {
            "protected": PROTECTED,
            "header": {"alg": ALG, "kid": self.kid, "iv": self.key_iv, "tag": self.key_tag},
            "encrypted_key": self.encrypted_key,
            "iv": self.iv,
            "ciphertext": self.ciphertext,
            "tag": self.tag,
            "aad": b64url.encode(self.aad),
        }


def seal(plaintext: Sensitive, kek: Kek, aad: bytes) -> bytes:
    """Encrypt 1 byte to 48 KiB under a fresh data key; data key and both nonces are random at every call."""
    if not 1 <= len(plaintext) <= MAX_PLAINTEXT or not 1 <= len(aad) <= MAX_AAD:
        msg = "plaintext or aad is empty or too long"
        raise ValueError(msg)
    message = jwe.FlattenedJSONEncryption({"enc": ENC}, plaintext.reveal(), None, aad)
    message.add_recipient({"alg": ALG, "kid": kek.kid}, kek.jose)
    sealed = jwe.encrypt_json(message, None, registry=_REGISTRY)
    header = sealed["header"]
    return Envelope(
        kid=kek.kid,
        key_iv=header["iv"],
        key_tag=header["tag"],
        encrypted_key=sealed["encrypted_key"],
        iv=sealed["iv"],
        ciphertext=sealed["ciphertext"],
        tag=sealed["tag"],
        aad=aad,
    ).to_bytes()


def parse(data: bytes) -> Envelope | None:
    """Return the envelope if `data` has exactly our shape, None otherwise. The order of members may be any."""
    try:
        return _parse(exact_json.read(data, MAX_ENVELOPE))
    except Malformed:
        return None


def _parse(value: object) -> Envelope:
    outer = _named(value, _MEMBERS)
    header = _named(outer["header"], _HEADERS)
    if outer["protected"] != PROTECTED or header["alg"] != ALG:
        raise Malformed
    aad = b64url.decode(outer["aad"])
    if aad is None or len(aad) > MAX_AAD:
        raise Malformed
    return Envelope(
        kid=exact_json.text(header["kid"], KID),
        key_iv=_segment(header["iv"], IV_SIZE),
        key_tag=_segment(header["tag"], TAG_SIZE),
        encrypted_key=_segment(outer["encrypted_key"], KEY_SIZE),
        iv=_segment(outer["iv"], IV_SIZE),
        ciphertext=_segment(outer["ciphertext"]),
        tag=_segment(outer["tag"], TAG_SIZE),
        aad=aad,
    )


def _named(value: object, names: frozenset[str]) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != names:
        raise Malformed
    return value


def _segment(value: object, size: int | None = None) -> str:
    longest = b64url.text_length(size or MAX_PLAINTEXT)
    if not isinstance(value, str) or len(value) > longest or not b64url.is_canonical(value, size):
        raise Malformed
    return value


def open_sealed(envelope: Envelope, kek: Kek, aad: bytes) -> Sensitive | None:
    """Return the plaintext, or None when key, aad or any bit does not fit."""
    if envelope.kid != kek.kid or envelope.aad != aad:
        return None
    try:
        message = cast("jwe.FlattenedJSONSerialization", envelope.members())
        opened = jwe.decrypt_json(message, kek.jose, registry=_REGISTRY)
    except _LIBRARY_ERRORS:  # their texts are never looked at
        return None
    return Sensitive(opened.plaintext) if opened.plaintext else None


def rewrap(envelope: Envelope, old: Kek, new: Kek) -> bytes | None:
    """Wrap the same data key by another key; ciphertext, tag, protected header, iv and aad stay as they are.

    None when the data key does not unwrap under `old`.
    """
    wrapped, iv, tag = (b64url.decode(text) for text in (envelope.encrypted_key, envelope.key_iv, envelope.key_tag))
    if envelope.kid != old.kid or wrapped is None or iv is None or tag is None:
        return None
    try:
        data_key = AESGCM(old.key.reveal()).decrypt(iv, wrapped + tag, None)
    except _LIBRARY_ERRORS:
        return None
    iv = secrets.token_bytes(IV_SIZE)
    sealed = AESGCM(new.key.reveal()).encrypt(iv, data_key, None)
    return replace(
        envelope,
        kid=new.kid,
        key_iv=b64url.encode(iv),
        key_tag=b64url.encode(sealed[KEY_SIZE:]),
        encrypted_key=b64url.encode(sealed[:KEY_SIZE]),
    ).to_bytes()
