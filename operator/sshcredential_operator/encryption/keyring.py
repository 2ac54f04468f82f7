"""The root key and the workspaces' KEKs, as the running operator uses them. Made by the controller, for `reconcile`.

KEKs are needed for every pass over a credential, so they stay in memory once they were unwrapped: a root that goes away
stops nothing but new workspaces. What lies in the cluster is made by a POST: of two operators at once, one makes it and
the other reads it. It is changed only by `ring_rotation.py`, which wraps the same keys anew.
"""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import (
    FIRST_SLOT,
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    kek_secret_name,
    new_kek,
    slot_of,
)
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.known_keks import KnownKeks
from sshcredential_operator.encryption.ring_documents import (
    LABELS,
    StoredKek,
    kek_document_of,
    store_canary,
    stored_kek_of,
    wrapped_kek,
)
from sshcredential_operator.encryption.ring_look import Look, look
from sshcredential_operator.encryption.root_check import RootProblem, Step, next_step
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import RootAway, RootLack, RootPlace, Roots, load_roots

__all__ = ["Keyring", "KeyringRefused", "KeyringStore", "RootProblem", "StoredSecret"]

_LOOKS: Final = 6
"""Making root and canary takes three looks; the others are for operators that start at the same time."""
_MOST_SLOTS: Final = 1000


class KeyringRefused(Exception):
    """The operator must not work; `problem` says why, and `place` where the root for writing should be."""

    def __init__(self, problem: RootProblem, place: RootPlace) -> None:
        super().__init__(problem.value)
        self.problem, self.place = problem, place


class Keyring:
    """Gives the KEKs of workspaces. `open` comes first, and again whenever the root key may have changed.

    The first of `places` has the root for writing. By default that is a Secret, the only one.
    """

    def __init__(self, store: KeyringStore, places: tuple[RootPlace, ...] = ()) -> None:
        self._store = store
        self.places = places or (RootInSecret(store),)
        self._roots: Roots | None = None
        self._keks = KnownKeks()
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.unopened: tuple[str, ...] = ()
        """Names of the KEK Secrets that did not open at the last look: their workspaces cannot be served."""
        self.problem: RootProblem | None = None
        """Why an open ring makes nothing new now."""

    async def open(self) -> None:
        """Make or check the root key and read all KEKs, or raise KeyringRefused.

        A problem counts when it is seen twice: another operator that starts now is between two of its steps. What an
        open ring has, it keeps.
        """
        problem = None
        for _ in range(_LOOKS):
            seen = await look(self._store, self.places)
            match next_step(seen.seen):
                case Step.MAKE_ROOT:
                    await RootInSecret(self._store).make()
                case Step.MAKE_CANARY:
                    if not await store_canary(self._store, seen.roots):
                        problem = RootProblem.ROOT_AWAY
                        break
                case Step.WORK:
                    self._take(seen)
                    return
                case RootProblem() as found:
                    if found is problem or found is RootProblem.ROOT_AWAY:
                        problem = found
                        break
                    problem = found
        self.problem = problem or RootProblem.UNSETTLED
        raise KeyringRefused(self.problem, self.places[0])

    @property
    def is_open(self) -> bool:
        """Whether the root key was there and right."""
        return self._roots is not None

    @property
    def roots(self) -> Roots:
        """The roots of an open ring."""
        if self._roots is None:
            msg = "the key ring was not opened"
            raise RuntimeError(msg)
        return self._roots

    @property
    def size(self) -> int:
        """How many workspaces' keys are in memory."""
        return len(self._keks)

    @property
    def documents(self) -> tuple[StoredKek, ...]:
        """All KEKs in memory."""
        return self._keks.all()

    def known(self, kid: str, namespace: str, namespace_uid: str) -> Kek | None:
        """Return a KEK of this very namespace that is in memory."""
        return self._keks.find(kid, namespace, namespace_uid)

    async def kek(self, kid: str, namespace: str, namespace_uid: str) -> Kek | None:
        """Return a KEK of this very namespace, at the cost of one read at most. May raise RootAway.

        None: there is none of this kid, it is of another or of a deleted namespace, or it does not open.
        A kid of another namespace uid costs no read.
        """
        if found := self.known(kid, namespace, namespace_uid):
            return found
        slot = slot_of(kid, namespace_uid)
        if slot is None:
            return None
        async with self._lock(namespace_uid):
            if found := self.known(kid, namespace, namespace_uid):
                return found
            await self._read(namespace_uid, slot)
        return self.known(kid, namespace, namespace_uid)

    async def kek_for_writing(self, namespace: str, namespace_uid: str) -> Kek | None:
        """Return the newest KEK of this very namespace; the first is made by one POST. May raise RootAway.

        None: there is one already that does not open, or that is gone again; or the root is gone. Nothing is made
        beside a KEK that does not open: it may be this process that lacks its root key.
        """
        if found := self.newest(namespace, namespace_uid):
            return found
        async with self._lock(namespace_uid):
            if found := self.newest(namespace, namespace_uid):
                return found
            if not await self.root_is_there():
                return None
            if not await self._make_kek(namespace, namespace_uid, FIRST_SLOT):
                await self._read_slots(namespace_uid)
        return self.newest(namespace, namespace_uid)

    async def make_next(self, namespace: str, namespace_uid: str, after: str) -> Kek | None:
        """Make a newer KEK than the one of this kid; asked twice for the same, it makes one. May raise RootAway.

        None: the newest in memory is another one, or it cannot be made.
        """
        async with self._lock(namespace_uid):
            newest = self.newest(namespace, namespace_uid)
            slot = slot_of(after, namespace_uid)
            if newest is None or newest.kid != after or slot is None or not await self.root_is_there():
                return None
            if not await self._make_kek(namespace, namespace_uid, slot + 1):
                await self._read(namespace_uid, slot + 1)
        found = self.newest(namespace, namespace_uid)
        return None if found is None or found.kid == after else found

    async def refresh(self) -> bool:
        """Look whether the roots have changed, and take what is good; False if there is nothing new.

        Raise KeyringRefused if there is no good root for writing now: then what was opened goes on serving.
        """
        loaded = await load_roots(self.places)
        if loaded.roots == self._roots and self.problem is None:
            return False
        await self.open()
        return True

    async def root_is_there(self) -> bool:
        """Whether the root for writing is still what it was, or has a good successor, which is taken then.

        A key under one that only this process knows would be lost with it.
        """
        now = await self.places[0].load()
        if now == self.roots.writing and self.problem is None:
            return True
        if now is RootLack.AWAY:
            raise RootAway
        try:
            await self.open()
        except KeyringRefused:
            return False
        return True

    def forget(self, namespace_uid: str) -> None:
        """Drop the KEKs of a namespace that is gone from memory; its Secrets stay."""
        self._keks.forget(namespace_uid)

    def drop(self, kid: str) -> None:
        """Drop one KEK from memory, whose Secret was deleted."""
        self._keks.drop(kid)

    def learn(self, stored: StoredKek) -> None:
        """Take a KEK into memory that was read and opened."""
        self._keks.add(stored)

    def newest(self, namespace: str, namespace_uid: str) -> Kek | None:
        """Return the KEK in memory that writes in this very namespace."""
        return self._keks.newest(namespace, namespace_uid)

    def _take(self, seen: Look) -> None:
        self._roots, self.unopened, self.problem = seen.roots, seen.unopened, None
        self._keks.take(seen.keks, seen.unopened)

    async def _make_kek(self, namespace: str, namespace_uid: str, slot: int) -> bool:
        kek = new_kek(namespace_uid, slot)
        document = await wrapped_kek(kek, namespace, namespace_uid, self.roots)
        name = kek_secret_name(namespace_uid, slot)
        created = await self._store.create(name, KEK_SECRET_TYPE, {KEK_DATA_KEY: document.to_bytes()}, LABELS)
        if created:
            self._keks.add(StoredKek(document, kek))
        return created

    async def _read_slots(self, namespace_uid: str) -> None:
        for slot in range(FIRST_SLOT, _MOST_SLOTS):
            if not await self._read(namespace_uid, slot):
                return

    async def _read(self, namespace_uid: str, slot: int) -> bool:
        """Read one KEK's Secret and keep what opens; False when there is no such Secret."""
        secret = await self._store.get(kek_secret_name(namespace_uid, slot))
        if secret is None:
            return False
        document = kek_document_of(secret)
        if document is not None and not self.roots.holds(document.wrapped):
            await self.root_is_there()  # another operator may have wrapped it by a root key that came since
        if stored := await stored_kek_of(secret, self.roots):
            self._keks.add(stored)
        return True

    def _lock(self, namespace_uid: str) -> asyncio.Lock:
        return self._writing.setdefault(namespace_uid, asyncio.Lock())
