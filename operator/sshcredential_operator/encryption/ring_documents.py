"""The documents of the key ring, opened and wrapped by any root. Used by the key ring, its look and its rotation.

A KEK, a sealing key and a canary end with the same members; what tells them apart is the aad. Their own modules know
the forms, and `roots` the roots.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL, REBOUND_TO_ANNOTATION
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.canary import (
    CANARY_DATA_KEY,
    CANARY_SECRET_TYPE,
    CANARY_TEXT,
    CanaryDocument,
    canary_aad,
    canary_secret_name,
)
from sshcredential_operator.encryption.envelope import KEY_SIZE, Kek
from sshcredential_operator.encryption.kek import (
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    NAMESPACE_UID,
    KekDocument,
    kek_aad,
    kek_secret_name,
)
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.roots import RootAway, Roots, root_id
from sshcredential_operator.encryption.sealing_key import SealingKeyDocument, is_private_half_of

LABELS: Final = {MANAGED_BY_LABEL: FIELD_MANAGER}
AT_ONCE: Final = 8
"""So many documents are opened at the same time: a plugin may ask a KMS that is far away."""

Document = KekDocument | SealingKeyDocument


class StoredKek(NamedTuple):
    """A KEK that opened, and the document that binds it to its namespace."""

    document: KekDocument
    kek: Kek
    rebound_to: str | None = None
    """uid of the namespace of the same name, made anew, that a person has let this KEK open values of."""

    @property
    def serves(self) -> str:
        """The uid of the namespace whose values it opens now."""
        return self.rebound_to or self.document.namespace_uid


def kek_document_of(secret: StoredSecret) -> KekDocument | None:
    """Return the document of a KEK's Secret that lies under its own name, or None for any other Secret."""
    value = secret.value(KEK_SECRET_TYPE, KEK_DATA_KEY)
    document = None if value is None else KekDocument.from_bytes(value)
    if document is None or document.slot is None:
        return None
    return document if secret.name == kek_secret_name(document.namespace_uid, document.slot) else None


def canary_document_of(secret: StoredSecret) -> CanaryDocument | None:
    """Return the document of a canary's Secret, or None for any other Secret."""
    value = secret.value(CANARY_SECRET_TYPE, CANARY_DATA_KEY)
    return None if value is None else CanaryDocument.from_bytes(value)


async def secret_in(document: Document, roots: Roots) -> Sensitive | None:
    """Return what a document holds, None when it does not open or is no key of its kind. May raise RootAway."""
    secret = await roots.unwrap(document.wrapped, document.aad())
    if secret is None:
        return None
    match document:
        case KekDocument():
            return secret if len(secret) == KEY_SIZE else None
        case SealingKeyDocument():
            return secret if is_private_half_of(secret, document) else None


async def stored_kek_of(secret: StoredSecret, roots: Roots) -> StoredKek | None:
    """Return the KEK of its Secret, or None when it does not open. May raise RootAway."""
    document = kek_document_of(secret)
    key = None if document is None else await secret_in(document, roots)
    if document is None or key is None:
        return None
    return StoredKek(document, Kek(document.kid, key), rebound_to(secret))


def rebound_to(secret: StoredSecret) -> str | None:
    """Return the uid of the namespace that a KEK's Secret was bound to by a person, if any."""
    uid = secret.annotations.get(REBOUND_TO_ANNOTATION, "")
    return uid if NAMESPACE_UID.fullmatch(uid) else None


async def stored_keks_of(secrets: Iterable[StoredSecret], roots: Roots) -> dict[str, StoredKek | None]:
    """Return the KEKs of many Secrets by the Secrets' names. May raise RootAway."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(secret: StoredSecret) -> tuple[str, StoredKek | None]:
        async with places:
            return secret.name, await stored_kek_of(secret, roots)

    return dict(await asyncio.gather(*(one(secret) for secret in secrets)))


async def wrapped_kek(kek: Kek, namespace: str, namespace_uid: str, roots: Roots) -> KekDocument:
    """Return the document of a KEK under the root for writing. May raise RootAway."""
    wrapped = await roots.wrap(kek.key, kek_aad(namespace, namespace_uid, kek.kid))
    return KekDocument(kek.kid, namespace, namespace_uid, wrapped)


async def wrapped_canary(roots: Roots) -> CanaryDocument:
    """Return the canary of the root key for writing. May raise RootAway."""
    wrapped = await roots.wrap(Sensitive(CANARY_TEXT), canary_aad(roots.id.key_id))
    if root_id(wrapped) != roots.id:  # a plugin that took another key just now
        raise RootAway
    return CanaryDocument(wrapped)


async def store_canary(store: KeyringStore, roots: Roots | None) -> bool:
    """POST the canary of the root key for writing; False if the root is away. Whose name is taken counts as made."""
    try:
        document = await wrapped_canary(roots) if roots else None
    except RootAway:
        return False
    if document is None:
        return False
    name = canary_secret_name(document.wrapped.root_key_id)
    await store.create(name, CANARY_SECRET_TYPE, {CANARY_DATA_KEY: document.to_bytes()}, LABELS)
    return True


async def canary_sings(canary: CanaryDocument, roots: Roots) -> bool:
    """Whether a canary opens and says what it should. May raise RootAway."""
    return await roots.unwrap(canary.wrapped, canary.aad()) == Sensitive(CANARY_TEXT)


async def wrapped_anew(document: Document, roots: Roots) -> Document | None:
    """Return the same document under the root for writing, None when it does not open. May raise RootAway."""
    secret = await secret_in(document, roots)
    if secret is None:
        return None
    return replace(document, wrapped=await roots.wrap(secret, document.aad()))
