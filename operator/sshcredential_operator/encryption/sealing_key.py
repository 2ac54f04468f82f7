"""A sealing key as it is stored: the private half wrapped by the root, the public half beside it.

Used by `sealing_ring.py` and by recovery tools. Pure. Its Secret lies in the operator's namespace; the name follows
from the slot, which counts the sealing keys: of two operators, only one can make it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sshcredential_operator.api.names import GROUP
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.encryption import b64url, exact_json, x25519_jwe
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.place import FORMAT
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.sealing import SEALING_KID
from sshcredential_operator.encryption.sealing_keys import sealing_kid
from sshcredential_operator.encryption.wrapping import MAX_DOCUMENT, MEMBERS, Wrapped, unwrap, wrap, wrapped_from

SEALING_KEY_SECRET_TYPE: Final = f"{GROUP}/sealing-key"
SEALING_KEY_DATA_KEY: Final = "sealingKey"
FIRST_SLOT: Final = 1

_SECRET_NAME: Final = re.compile(r"sshcredential-sealing-key-([1-9][0-9]{0,5})")


class NewSealingKey(NamedTuple):
    """A key that was just made, with the 32 octets of its private half."""

    kid: str
    x: str
    created_at: datetime
    private: Sensitive


@dataclass(frozen=True, slots=True)
class SealingKeyDocument:
    """A stored sealing key. `x` is what the kid's thumbprint is of, and so is bound to the private half by the aad."""

    kid: str
    x: str
    created_at: datetime
    wrapped: Wrapped

    @property
    def slot(self) -> int:
        """Its number."""
        return int(self.kid.partition(".")[0])

    def aad(self) -> bytes:
        """Return what binds the private half to the kid: a JSON array in UTF-8 without blanks."""
        return sealing_key_aad(self.kid, self.created_at)

    def to_bytes(self) -> bytes:
        """Return the stored form: compact JSON in one spelling."""
        public = {"version": FORMAT, "kid": self.kid, "x": self.x, "createdAt": format_timestamp(self.created_at)}
        return exact_json.write(public | self.wrapped.members())

    @staticmethod
    def from_bytes(data: bytes) -> SealingKeyDocument | None:
        """Return the document, or None for anything else."""
        try:
            return _parse(exact_json.read(data, MAX_DOCUMENT))
        except Malformed:
            return None


def _parse(value: object) -> SealingKeyDocument:
    version, kid, x, created_at, *wrapped = exact_json.members(value, "version", "kid", "x", "createdAt", *MEMBERS)
    moment = parse_timestamp(created_at) if isinstance(created_at, str) else None
    if version != FORMAT or moment is None or format_timestamp(moment) != created_at:
        raise Malformed
    document = SealingKeyDocument(exact_json.text(kid, SEALING_KID), str(x), moment, wrapped_from(*wrapped))
    if x25519_jwe.public_octets(x) is None or sealing_kid(document.slot, document.x) != kid:
        raise Malformed
    return document


def sealing_key_aad(kid: str, created_at: datetime) -> bytes:
    """Return the additional authenticated data of a wrapped private half."""
    return exact_json.write([FORMAT, "SealingKey", kid, format_timestamp(created_at)])


def new_sealing_key(slot: int, now: datetime) -> NewSealingKey:
    """Return a fresh key pair."""
    private = X25519PrivateKey.generate()
    x = b64url.encode(private.public_key().public_bytes_raw())
    return NewSealingKey(sealing_kid(slot, x), x, now.replace(microsecond=0), Sensitive(private.private_bytes_raw()))


def slot_of_kid(kid: str) -> int | None:
    """Return the slot that a kid tells, or None for what is no kid of a sealing key."""
    match = SEALING_KID.fullmatch(kid)
    return int(match[1]) if match else None


def sealing_key_secret_name(slot: int) -> str:
    """Return the name of a sealing key's Secret in the operator's namespace."""
    return f"sshcredential-sealing-key-{slot}"


def slot_of_secret(name: str) -> int | None:
    """Return the slot that a Secret's name tells, or None for another name."""
    match = _SECRET_NAME.fullmatch(name)
    return int(match[1]) if match else None


def sealing_key_document_of(secret: StoredSecret) -> SealingKeyDocument | None:
    """Return the document of a sealing key's Secret that lies under its own name, or None for any other Secret."""
    value = secret.value(SEALING_KEY_SECRET_TYPE, SEALING_KEY_DATA_KEY)
    document = None if value is None else SealingKeyDocument.from_bytes(value)
    return document if document is not None and secret.name == sealing_key_secret_name(document.slot) else None


def wrap_sealing_key(key: NewSealingKey, root: Kek, source: RootSource) -> SealingKeyDocument:
    """Return the document of a sealing key under a root key that the operator holds."""
    wrapped = wrap(key.private, root, sealing_key_aad(key.kid, key.created_at), source)
    return SealingKeyDocument(key.kid, key.x, key.created_at, wrapped)


def unwrap_sealing_key(document: SealingKeyDocument, root: Kek) -> Sensitive | None:
    """Return the private half under a root key that the operator holds; None when it does not open, or is another's."""
    private = unwrap(document.wrapped, root, document.aad())
    return private if private is not None and is_private_half_of(private, document) else None


def is_private_half_of(private: Sensitive, document: SealingKeyDocument) -> bool:
    """Whether these octets are the private half of a document's key."""
    return _public_half(private) == document.x


def _public_half(private: Sensitive) -> str | None:
    octets = private.reveal()
    if len(octets) != x25519_jwe.KEY_SIZE:
        return None
    return b64url.encode(X25519PrivateKey.from_private_bytes(octets).public_key().public_bytes_raw())
