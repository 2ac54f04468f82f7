"""The key-encryption key of a workspace as it is stored: wrapped by the root, bound to the namespace's uid.

Used by the key ring and by recovery tools. Pure. A KEK's Secret lies in the operator's namespace. Its name follows from
the namespace's uid and the slot, which counts the KEKs of that namespace: of two operators, only one can make it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import exact_json
from sshcredential_operator.encryption.envelope import KEY_SIZE, KID, Kek
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.place import DNS_LABEL, FORMAT
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.wrapping import MAX_DOCUMENT, MEMBERS, Wrapped, unwrap, wrap, wrapped_from

KEK_SECRET_TYPE: Final = "sshcredentials.dev/kek"
KEK_DATA_KEY: Final = "kek"
FIRST_SLOT: Final = 1

NAMESPACE_UID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KEK_ID: Final = re.compile(r"([1-9][0-9]{0,5})\.([0-9a-f]{12})\.[0-9a-f]{16}")
_UID_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class KekDocument:
    """A stored KEK: whose it is, and itself under a root key."""

    kid: str
    namespace: str
    namespace_uid: str
    wrapped: Wrapped

    @property
    def slot(self) -> int | None:
        """The slot that the kid tells, or None when the kid is not of this namespace uid."""
        return slot_of(self.kid, self.namespace_uid)

    def aad(self) -> bytes:
        """Return what binds the wrapped key to its place: a JSON array in UTF-8 without blanks."""
        return kek_aad(self.namespace, self.namespace_uid, self.kid)

    def to_bytes(self) -> bytes:
        """Return the stored form: compact JSON in one spelling."""
        binding = {"version": FORMAT, "kid": self.kid, "namespace": self.namespace, "namespaceUid": self.namespace_uid}
        return exact_json.write(binding | self.wrapped.members())

    @staticmethod
    def from_bytes(data: bytes) -> KekDocument | None:
        """Return the document, or None for anything else."""
        try:
            return _parse(exact_json.read(data, MAX_DOCUMENT))
        except Malformed:
            return None


def _parse(value: object) -> KekDocument:
    version, kid, namespace, uid, *wrapped = exact_json.members(
        value, "version", "kid", "namespace", "namespaceUid", *MEMBERS
    )
    if version != FORMAT:
        raise Malformed
    return KekDocument(
        exact_json.text(kid, KID),
        exact_json.text(namespace, DNS_LABEL),
        exact_json.text(uid, NAMESPACE_UID),
        wrapped_from(*wrapped),
    )


def kek_aad(namespace: str, namespace_uid: str, kid: str) -> bytes:
    """Return the additional authenticated data of a wrapped KEK."""
    return exact_json.write([FORMAT, "KEK", namespace, namespace_uid, kid])


def new_kek(namespace_uid: str, slot: int) -> Kek:
    """Return a fresh KEK. Its kid is `<slot>.<first 12 digits of the uid>.<16 random digits>`."""
    kid = f"{slot}.{_digits(namespace_uid)}.{secrets.token_hex(8)}"
    return Kek(kid, Sensitive(secrets.token_bytes(KEY_SIZE)))


def slot_of(kid: str, namespace_uid: str) -> int | None:
    """Return the slot of a KEK of this namespace uid, or None for a kid that is not of it."""
    match = _KEK_ID.fullmatch(kid)
    return int(match[1]) if match and match[2] == _digits(namespace_uid) else None


def kek_secret_name(namespace_uid: str, slot: int) -> str:
    """Return the name of a KEK's Secret in the operator's namespace."""
    return f"sshcredential-kek-{namespace_uid}-{slot}"


def wrap_kek(kek: Kek, namespace: str, namespace_uid: str, root: Kek, source: RootSource) -> KekDocument:
    """Return the document of a KEK under a root key that the operator holds."""
    aad = kek_aad(namespace, namespace_uid, kek.kid)
    return KekDocument(kek.kid, namespace, namespace_uid, wrap(kek.key, root, aad, source))


def unwrap_kek(document: KekDocument, root: Kek) -> Kek | None:
    """Return the KEK of a document under a root key that the operator holds, or None when it does not open."""
    key = unwrap(document.wrapped, root, document.aad())
    return Kek(document.kid, key) if key is not None and len(key) == KEY_SIZE else None


def _digits(namespace_uid: str) -> str:
    return namespace_uid.replace("-", "")[:_UID_DIGITS]
