"""The operator's sealing keys under the key ring: all of them for publishing, one private half when it is needed.

Made by the controller. A key is made by a POST and never overwritten. Private halves are never kept: what a person
retires, or deletes, opens nothing from then on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL, RETIRED_ANNOTATION
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.ring_documents import secret_in
from sshcredential_operator.encryption.sealing_key import (
    FIRST_SLOT,
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    SealingKeyDocument,
    new_sealing_key,
    sealing_key_aad,
    sealing_key_document_of,
    sealing_key_secret_name,
    slot_of_kid,
    slot_of_secret,
)
from sshcredential_operator.encryption.sealing_keys import SealingKey, SealingKeys
from sshcredential_operator.encryption.settling import settled

CLOCK_SLACK: Final = timedelta(days=1)
"""A key that is younger than none by more than this was made by a clock that was wrong."""


class Unopened(Enum):
    """Why there is no private half."""

    UNKNOWN = "there is no such key, or it was damaged"
    RETIRED = "a person has retired it"
    ROOT_MISSING = "it is wrapped by a root key that the operator does not have now"


class RootNotStored(Exception):
    """A key under a root that only this process knows would be lost with it."""


class SealingLook(NamedTuple):
    """One look at all sealing keys: those that open, and the names of the Secrets of the others."""

    keys: SealingKeys
    unopened: tuple[str, ...]
    next_slot: int


class SealingRing:
    """Reads and makes sealing keys. The key ring must be open."""

    def __init__(self, ring: Keyring, store: KeyringStore) -> None:
        self._ring, self._store = ring, store
        self._opened: set[bytes] = set()
        """Documents that have opened: a KMS is not asked for all of them at every look."""

    async def look(self) -> SealingLook:
        """Return what is stored now; one request, unless the root changed.

        A key that does not open is not for sealing, whatever it says.
        """
        secrets = await self._store.list(SEALING_KEY_SECRET_TYPE)
        documents = [document for secret in secrets if (document := sealing_key_document_of(secret))]
        if not all(self._ring.roots.holds(document.wrapped) for document in documents):
            await self._ring.root_is_there()  # another replica may have wrapped one by a root key that came since
        opened = [(secret, document) for secret in secrets if (document := await self._opening(secret))]
        keys = sorted((_public(*found) for found in opened), key=lambda key: -key.slot)
        names = {secret.name for secret, _ in opened}
        unopened = sorted(secret.name for secret in secrets if secret.name not in names)
        slots = [slot for secret in secrets if (slot := slot_of_secret(secret.name))]
        return SealingLook(SealingKeys(tuple(keys)), tuple(unopened), max(slots, default=FIRST_SLOT - 1) + 1)

    async def make(self, slot: int, now: datetime) -> SealingKey | None:
        """Make the key of a slot; None when there is a Secret of its name. Raise RootNotStored or RootAway."""
        if not await self._ring.root_is_there():
            raise RootNotStored
        key = new_sealing_key(slot, now)
        wrapped = await self._ring.roots.wrap(key.private, sealing_key_aad(key.kid, key.created_at))
        document = SealingKeyDocument(key.kid, key.x, key.created_at, wrapped)
        data, labels = {SEALING_KEY_DATA_KEY: document.to_bytes()}, {MANAGED_BY_LABEL: FIELD_MANAGER}
        name = sealing_key_secret_name(slot)
        if not await self._store.create(name, SEALING_KEY_SECRET_TYPE, data, labels):
            return None
        await settled(self._ring, self._store, (name, SEALING_KEY_DATA_KEY), document, key.private)
        return SealingKey(key.kid, key.x, key.created_at)

    async def private_half(self, kid: str) -> Sensitive | Unopened:
        """Return the private half of a key; one read of its Secret. May raise RootAway."""
        slot = slot_of_kid(kid)
        secret = None if slot is None else await self._store.get(sealing_key_secret_name(slot))
        document = None if secret is None else sealing_key_document_of(secret)
        if secret is None or document is None or document.kid != kid:
            return Unopened.UNKNOWN
        if is_retired(secret):
            return Unopened.RETIRED
        if not self._ring.roots.holds(document.wrapped) and not await self._root_came(document):
            return Unopened.ROOT_MISSING
        return await secret_in(document, self._ring.roots) or Unopened.UNKNOWN

    async def _opening(self, secret: StoredSecret) -> SealingKeyDocument | None:
        document = sealing_key_document_of(secret)
        if document is None or document.to_bytes() in self._opened:
            return document
        if await secret_in(document, self._ring.roots) is None:
            return None
        self._opened.add(document.to_bytes())
        return document

    async def _root_came(self, document: SealingKeyDocument) -> bool:
        return await self._ring.root_is_there() and self._ring.roots.holds(document.wrapped)


def is_due(keys: SealingKeys, period: timedelta, now: datetime) -> bool:
    """Whether another key is to be made: there is none, the latest is retired, too old, or of a day still to come."""
    latest = keys.keys[0] if keys.keys else None
    if latest is None or latest.retired:
        return True
    return not now - period < latest.created_at <= now + CLOCK_SLACK


def is_retired(secret: StoredSecret) -> bool:
    """Whether a person has retired the key; any word but `false` does."""
    return secret.annotations.get(RETIRED_ANNOTATION, "false") != "false"


def _public(secret: StoredSecret, document: SealingKeyDocument) -> SealingKey:
    return SealingKey(document.kid, document.x, document.created_at, is_retired(secret))
