"""One look at the key ring's Secrets through the roots that are there now. Used by the key ring.

It reads in the order in which things are made: what is seen later was made after what was looked for before. What was
seen is judged by `root_check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE, canary_secret_name
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.ring_documents import (
    StoredKek,
    canary_document_of,
    canary_sings,
    kek_document_of,
    secret_in,
    stored_keks_of,
)
from sshcredential_operator.encryption.root_check import Canary, Seen
from sshcredential_operator.encryption.roots import (
    LoadedRoots,
    RootAway,
    RootLack,
    RootPlace,
    Roots,
    load_roots,
)
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, sealing_key_document_of


class Look(NamedTuple):
    """What was seen, for the judgement; and what the key ring takes if that is good."""

    seen: Seen
    roots: Roots | None = None
    keks: tuple[StoredKek, ...] = ()
    unopened: tuple[str, ...] = ()
    """Names of the KEKs' Secrets that do not open."""


class _Stored(NamedTuple):
    canaries: Sequence[StoredSecret]
    keks: Sequence[StoredSecret]
    sealing: Sequence[StoredSecret]
    credentials_exist: bool


async def look(store: KeyringStore, places: tuple[RootPlace, ...]) -> Look:
    """Look once. A root that goes away meanwhile is one that is away."""
    loaded = await load_roots(places)
    stored = await _read(store)
    try:
        return await _through(loaded, stored, places[0])
    except RootAway:
        return await _through(LoadedRoots(None, RootLack.AWAY), stored, places[0])


async def _read(store: KeyringStore) -> _Stored:
    canaries = await store.list(CANARY_SECRET_TYPE)
    keks = await store.list(KEK_SECRET_TYPE)
    alone = not canaries and not keks
    sealing = await store.list(SEALING_KEY_SECRET_TYPE) if alone else []
    exist = alone and not sealing and await store.credentials_exist()
    return _Stored(canaries, keks, sealing, exist)


async def _through(loaded: LoadedRoots, stored: _Stored, writing: RootPlace) -> Look:
    roots, encrypted = loaded.roots, bool(stored.canaries or stored.keks or stored.sealing)
    seen = Seen(writing.source, loaded.lack, encrypted=encrypted, credentials_exist=stored.credentials_exist)
    if roots is None:
        return Look(seen)
    keks = await stored_keks_of(stored.keks, roots)
    opened = tuple(kek for kek in keks.values() if kek)
    documents = [document for secret in stored.keks if (document := kek_document_of(secret))]
    canary = await _canary(stored.canaries, roots)
    seen = seen._replace(
        canary=canary,
        proven=bool(opened) or (canary is Canary.ABSENT and await _proven(stored, roots)),
        strange=bool(documents) and not any(roots.holds(document.wrapped) for document in documents),
    )
    return Look(seen, roots, opened, tuple(name for name, kek in keks.items() if kek is None))


async def _canary(canaries: Sequence[StoredSecret], roots: Roots) -> Canary:
    name = canary_secret_name(roots.id.key_id)
    secret = next((secret for secret in canaries if secret.name == name), None)
    if secret is None:
        return Canary.ABSENT
    document = canary_document_of(secret)
    if document is None:
        return Canary.MALFORMED
    return Canary.SINGS if await canary_sings(document, roots) else Canary.SILENT


async def _proven(stored: _Stored, roots: Roots) -> bool:
    for secret in stored.sealing:
        sealing = sealing_key_document_of(secret)
        if sealing is not None and await secret_in(sealing, roots) is not None:
            return True
    for secret in stored.canaries:
        canary = canary_document_of(secret)
        if canary is not None and await canary_sings(canary, roots):
            return True
    return False
