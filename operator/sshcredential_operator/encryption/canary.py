"""A known text under each root key, by which a wrong root is noticed at start. Used by the key ring. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import exact_json
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.place import FORMAT
from sshcredential_operator.encryption.root_key import ROOT_KEY_ID, RootSource
from sshcredential_operator.encryption.wrapping import MAX_DOCUMENT, MEMBERS, Wrapped, unwrap, wrap, wrapped_from

CANARY_SECRET_TYPE: Final = "sshcredentials.dev/canary"
CANARY_DATA_KEY: Final = "canary"
CANARY_TEXT: Final = b"sshcredential-operator canary"


@dataclass(frozen=True, slots=True)
class CanaryDocument:
    """The stored canary of one root key."""

    wrapped: Wrapped

    def aad(self) -> bytes:
        """Return what binds the canary to its root key: a JSON array in UTF-8 without blanks."""
        return canary_aad(self.wrapped.root_key_id)

    def to_bytes(self) -> bytes:
        """Return the stored form: compact JSON in one spelling."""
        return exact_json.write({"version": FORMAT} | self.wrapped.members())

    @staticmethod
    def from_bytes(data: bytes) -> CanaryDocument | None:
        """Return the document, or None for anything else."""
        try:
            version, *wrapped = exact_json.members(exact_json.read(data, MAX_DOCUMENT), "version", *MEMBERS)
            return CanaryDocument(wrapped_from(*wrapped)) if version == FORMAT else None
        except Malformed:
            return None


def canary_aad(root_key_id: str) -> bytes:
    """Return the additional authenticated data of a canary."""
    return exact_json.write([FORMAT, "Canary", root_key_id])


def canary_secret_name(root_key_id: str) -> str:
    """Return the name of a canary's Secret; a KMS' key id may hold any characters, so a digest stands for it."""
    if ROOT_KEY_ID.fullmatch(root_key_id) is None:
        root_key_id = "kms-" + hashlib.sha256(root_key_id.encode()).hexdigest()[:32]
    return f"sshcredential-canary-{root_key_id}"


def make_canary(root: Kek, source: RootSource) -> CanaryDocument:
    """Return the canary of a root key that the operator holds."""
    return CanaryDocument(wrap(Sensitive(CANARY_TEXT), root, canary_aad(root.kid), source))


def sings(canary: CanaryDocument, root: Kek) -> bool:
    """Tell whether the canary opens under this root key and says what it should."""
    return unwrap(canary.wrapped, root, canary.aad()) == Sensitive(CANARY_TEXT)
