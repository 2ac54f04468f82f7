"""One stored value as a JWE (RFC 7516), flattened JSON, A256GCM under a data key of its own. Used by everything stored.

The data key is wrapped by A256GCMKW (RFC 7518 section 4.7). `alg`, `kid` and the wrapping's parameters are in the
per-recipient header, so a value is put under another key without touching ciphertext or tag. There is one shape, which
`parse` holds to, and the two steps of AES-GCM are `cryptography`'s. Any JOSE library opens it, as the tests show with
two of them. None is asked here: that takes several times as long (docs/design/015-speed.md).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
_DOES_NOT_OPEN: Final = (InvalidTag, ValueError)


@dataclass(frozen=True, slots=True)
class Kek:
    """A key that wraps data keys: a workspace's KEK, or a root key. 32 bytes, named by its `kid`."""

    kid: str
    key: Sensitive

    def __post_init__(self) -> None:
        if len(self.key) != KEY_SIZE or KID.fullmatch(self.kid) is None:
            msg = "a key-encryption key has 32 bytes and a kid of 1 to 64 letters, digits, dots, dashes and underscores"
            raise ValueError(msg)

    def wrap(self, data_key: bytes) -> tuple[str, str, str]:
        """Return nonce, tag and encrypted key, as an envelope has them; the nonce is random."""
        iv = secrets.token_bytes(IV_SIZE)
        wrapped = AESGCM(self.key.reveal()).encrypt(iv, data_key, None)
        return b64url.encode(iv), b64url.encode(wrapped[KEY_SIZE:]), b64url.encode(wrapped[:KEY_SIZE])

    def unwrap(self, envelope: Envelope) -> bytes | None:
        """Return the data key, or None when it was not wrapped by this key."""
        wrapped, iv, tag = (b64url.decode(t) for t in (envelope.encrypted_key, envelope.key_iv, envelope.key_tag))
        if envelope.kid != self.kid or wrapped is None or iv is None or tag is None:
            return None
        try:
            return AESGCM(self.key.reveal()).decrypt(iv, wrapped + tag, None)
        except _DOES_NOT_OPEN:
            return None


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
    data_key, iv = secrets.token_bytes(KEY_SIZE), secrets.token_bytes(IV_SIZE)
    sealed = AESGCM(data_key).encrypt(iv, plaintext.reveal(), _authenticated(aad))
    key_iv, key_tag, encrypted_key = kek.wrap(data_key)
    return Envelope(
        kid=kek.kid,
        key_iv=key_iv,
        key_tag=key_tag,
        encrypted_key=encrypted_key,
        iv=b64url.encode(iv),
        ciphertext=b64url.encode(sealed[:-TAG_SIZE]),
        tag=b64url.encode(sealed[-TAG_SIZE:]),
        aad=aad,
    ).to_bytes()


def _authenticated(aad: bytes) -> bytes:
    """Return what ciphertext and tag are bound to: RFC 7516, section 5.1, step 14."""
    return f"{PROTECTED}.{b64url.encode(aad)}".encode("ascii")


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
    data_key = kek.unwrap(envelope)
    ciphertext, iv, tag = (b64url.decode(text) for text in (envelope.ciphertext, envelope.iv, envelope.tag))
    if data_key is None or envelope.aad != aad or ciphertext is None or iv is None or tag is None:
        return None
    try:
        plaintext = AESGCM(data_key).decrypt(iv, ciphertext + tag, _authenticated(aad))
    except _DOES_NOT_OPEN:
        return None
    return Sensitive(plaintext) if plaintext else None


def rewrap(envelope: Envelope, old: Kek, new: Kek) -> bytes | None:
    """Wrap the same data key by another key; ciphertext, tag, protected header, iv and aad stay as they are.

    None when the data key does not unwrap under `old`.
    """
    data_key = old.unwrap(envelope)
    if data_key is None:
        return None
    key_iv, key_tag, encrypted_key = new.wrap(data_key)
    return replace(envelope, kid=new.kid, key_iv=key_iv, key_tag=key_tag, encrypted_key=encrypted_key).to_bytes()
