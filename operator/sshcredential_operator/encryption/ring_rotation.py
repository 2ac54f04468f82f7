"""Moves the key ring's documents to the root key for writing, and counts who is under which. Called by the controller.

Every step begins with what is stored, and changes one Secret of one revision: it can be broken off anywhere, and goes
on by being begun again. What a document holds never changes here, only what it is wrapped by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.ring_documents import Document, kek_document_of, wrapped_anew
from sshcredential_operator.encryption.roots import RootId, Roots, root_id
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    sealing_key_document_of,
)


class _Kind(NamedTuple):
    type: str
    data_key: str
    read: Callable[[StoredSecret], Document | None]


_KINDS: Final = (
    _Kind(KEK_SECRET_TYPE, KEK_DATA_KEY, kek_document_of),
    _Kind(SEALING_KEY_SECRET_TYPE, SEALING_KEY_DATA_KEY, sealing_key_document_of),
)


class Moved(NamedTuple):
    """What came of one go."""

    moved: int
    """How many were wrapped anew."""
    left: tuple[str, ...]
    """Names of the Secrets that are still under another root key: they do not open, or somebody else was faster."""
    users: Mapping[RootId, int]
    """How many documents each root key wraps now."""
    keks: frozenset[str]
    """Names of all Secrets of workspace keys that were listed."""


async def move_all(store: KeyringStore, roots: Roots, pace: Callable[[], Awaitable[None]]) -> Moved:
    """Wrap by the root for writing whatever is not. Waits for `pace` before each. May raise RootAway."""
    count, left, users, keks = 0, [], Counter[RootId](), set[str]()
    async for kind, secret, document in _documents(store):
        if kind.type == KEK_SECRET_TYPE:
            keks.add(secret.name)
        if document is None:
            continue
        users[root_id(document.wrapped)] += 1
        if root_id(document.wrapped) == roots.id:
            continue
        await pace()
        anew = await wrapped_anew(document, roots)
        if anew is not None and await store.replace(secret, {kind.data_key: anew.to_bytes()}):
            count += 1
            users[roots.id] += 1
            users[root_id(document.wrapped)] -= 1
        else:
            left.append(secret.name)
    return Moved(count, tuple(left), +users, frozenset(keks))


async def users_of_roots(store: KeyringStore) -> Mapping[RootId, int]:
    """Return how many documents each root key wraps; canaries are nobody's loss, and do not count."""
    return Counter([root_id(document.wrapped) async for _, _, document in _documents(store) if document])


async def _documents(store: KeyringStore) -> AsyncIterator[tuple[_Kind, StoredSecret, Document | None]]:
    for kind in _KINDS:
        for secret in await store.list(kind.type):
            yield kind, secret, kind.read(secret)
