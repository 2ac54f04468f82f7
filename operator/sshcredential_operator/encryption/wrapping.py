"""What is encrypted under a root key, and which one. Used by the documents of the KEKs and of the canary.

For a root in a Secret or a file, `wrapped` is a JWE; for a KMS (Kubernetes KMS v2) it is the plugin's ciphertext, and
`annotations` are the plugin's, which wants them back for decryption. A plugin takes no aad: its plaintext repeats it.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, envelope, exact_json
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.root_key import ROOT_KEY_ID, RootSource

MEMBERS: Final = ("rootSource", "rootKeyId", "annotations", "wrapped")
"""The members that every such document ends with."""

MAX_DOCUMENT: Final = 128 * 1024

KMS_KEY_ID: Final = re.compile(r"[ -~]{1,1024}")
"""A plugin's key id, as it can be stored."""
_ANNOTATION: Final = re.compile(r"[ -~]{1,253}")
_MOST_ANNOTATIONS: Final = 64
_LONGEST_ANNOTATIONS: Final = 32 * 1024


class Wrapped(NamedTuple):
    """Ciphertext under a root key. `wrapped` is the text of the JWE, or a KMS plugin's bytes."""

    root_source: RootSource
    root_key_id: str
    annotations: Mapping[str, bytes]
    wrapped: bytes

    def members(self) -> dict[str, object]:
        """Return the members of the document, in their order."""
        is_kms = self.root_source is RootSource.KMS
        annotations = {name: b64url.encode(self.annotations[name]) for name in sorted(self.annotations)}
        wrapped = b64url.encode(self.wrapped) if is_kms else exact_json.read(self.wrapped, envelope.MAX_ENVELOPE)
        return dict(zip(MEMBERS, (self.root_source, self.root_key_id, annotations, wrapped), strict=True))


def wrap(secret: Sensitive, root: Kek, aad: bytes, source: RootSource) -> Wrapped:
    """Encrypt under a root key that the operator holds."""
    return Wrapped(source, root.kid, {}, envelope.seal(secret, root, aad))


def unwrap(wrapped: Wrapped, root: Kek, aad: bytes) -> Sensitive | None:
    """Decrypt what `wrap` made, or None when anything does not fit."""
    sealed = None if wrapped.root_source is RootSource.KMS else envelope.parse(wrapped.wrapped)
    if sealed is None or wrapped.root_key_id != root.kid:
        return None
    return envelope.open_sealed(sealed, root, aad)


def to_kms_plaintext(secret: Sensitive, aad: bytes) -> Sensitive:
    """Return what a KMS plugin is given to encrypt: the aad's JSON array with the secret as its last item."""
    return Sensitive(_beginning(aad) + b64url.encode(secret.reveal()).encode("ascii") + b'"]')


def from_kms_plaintext(plaintext: Sensitive, aad: bytes) -> Sensitive | None:
    """Return the secret if the plugin's plaintext repeats this aad, else None."""
    text, beginning = plaintext.reveal(), _beginning(aad)
    if not (text.startswith(beginning) and text.endswith(b'"]')):
        return None
    secret = b64url.decode(text[len(beginning) : -2].decode("utf-8", "replace"))
    return None if secret is None else Sensitive(secret)


def _beginning(aad: bytes) -> bytes:
    return aad.removesuffix(b"]") + b',"'


def wrapped_from(source: object, root_key_id: object, annotations: object, wrapped: object) -> Wrapped:
    """Return the value that a document's members tell of, or raise Malformed."""
    kind = exact_json.choice(source, RootSource)
    if kind is not RootSource.KMS:
        text = exact_json.write(wrapped)
        if annotations != {} or envelope.parse(text) is None:
            raise Malformed
        return Wrapped(kind, exact_json.text(root_key_id, ROOT_KEY_ID), {}, text)
    ciphertext = b64url.decode(wrapped)
    if ciphertext is None:
        raise Malformed
    return Wrapped(kind, exact_json.text(root_key_id, KMS_KEY_ID), _annotations(annotations), ciphertext)


def are_storable(annotations: Mapping[str, bytes]) -> bool:
    """Whether a plugin's annotations fit into a document. Kubernetes takes no more than 32 kB of them."""
    size = sum(len(name) + len(value) for name, value in annotations.items())
    named = all(_ANNOTATION.fullmatch(name) for name in annotations)
    return len(annotations) <= _MOST_ANNOTATIONS and size <= _LONGEST_ANNOTATIONS and named


def _annotations(value: object) -> Mapping[str, bytes]:
    if not isinstance(value, dict) or len(value) > _MOST_ANNOTATIONS or list(value) != sorted(value):
        raise Malformed
    found = {
        exact_json.text(name, _ANNOTATION): b"" if text == "" else b64url.decode(text) for name, text in value.items()
    }
    annotations = {name: content for name, content in found.items() if content is not None}
    if len(annotations) != len(found):
        raise Malformed
    return annotations
