"""Sees to it that a key which was just stored is under the present root key before anybody uses it. For both rings.

Between the look at the root and the write of a key another replica may have replaced the root key, found that nothing
needs the old one, and dropped it. Whoever makes a key still has it in memory then, and stores it under the new one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol, TypeVar

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.kek import KekDocument
from sshcredential_operator.encryption.keyring_store import KeyringStore
from sshcredential_operator.encryption.roots import RootAway, Roots, root_id
from sshcredential_operator.encryption.sealing_key import SealingKeyDocument

_TRIES: Final = 3

Made = TypeVar("Made", KekDocument, SealingKeyDocument)


class Rooted(Protocol):
    """What is needed of the key ring."""

    @property
    def roots(self) -> Roots:
        """The roots that it works with."""

    async def root_is_there(self) -> bool:
        """Look at the root for writing, and take a good successor."""


async def settled(ring: Rooted, store: KeyringStore, place: tuple[str, str], document: Made, key: Sensitive) -> Made:
    """Return the document as it lies in `place` (a Secret and its data key) under the present root key.

    Raise RootAway when that cannot be said: the key was not used, and is found where it lies, or never.
    """
    name, data_key = place
    for _ in range(_TRIES):
        if not await ring.root_is_there():
            break
        if root_id(document.wrapped) == ring.roots.id:
            return document
        secret = await store.get(name)
        if secret is None or secret.data.get(data_key) != document.to_bytes():
            break
        document = replace(document, wrapped=await ring.roots.wrap(key, document.aad()))
        if not await store.replace(secret, {data_key: document.to_bytes()}):
            break
    raise RootAway
