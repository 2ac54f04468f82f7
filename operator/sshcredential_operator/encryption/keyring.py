"""The root key and the workspaces' KEKs, as the running operator uses them. Made by the controller, for `reconcile`.

KEKs are needed for every pass over a credential, so they stay in memory once they were unwrapped, like the root key.
Everything that lies in the cluster is made by a POST and never overwritten: of two operators at once, one makes it and
the other reads it.
"""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL
from sshcredential_operator.encryption.canary import (
    CANARY_DATA_KEY,
    CANARY_SECRET_TYPE,
    canary_secret_name,
    make_canary,
)
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import (
    FIRST_SLOT,
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    kek_secret_name,
    new_kek,
    slot_of,
    wrap_kek,
)
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.root_check import (
    RootProblem,
    Seen,
    Step,
    StoredKek,
    next_step,
    root_keys_of,
    stored_kek_of,
)
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE

__all__ = ["Keyring", "KeyringRefused", "KeyringStore", "RootProblem", "StoredSecret"]

LABELS: Final = {MANAGED_BY_LABEL: FIELD_MANAGER}

_LOOKS: Final = 6
"""Making root and canary takes three looks; the others are for operators that start at the same time."""
_MOST_SLOTS: Final = 1000


class KeyringRefused(Exception):
    """The operator must not work; `problem` says why."""

    def __init__(self, problem: RootProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class Keyring:
    """Gives the KEKs of workspaces. `open` comes first, and again whenever the root key may have changed."""

    def __init__(self, store: KeyringStore) -> None:
        self._store = store
        self._roots: RootKeys | None = None
        self._keks: dict[str, StoredKek] = {}
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.unopened: tuple[str, ...] = ()
        """Names of the KEK Secrets that did not open at the start: their workspaces cannot be served."""

    async def open(self) -> None:
        """Make or check the root key and read all KEKs, or raise KeyringRefused.

        A problem counts when it is seen twice: another operator that starts now is between two of its steps.
        """
        problem = None
        for _ in range(_LOOKS):
            seen = await self._look()
            match next_step(seen):
                case Step.MAKE_ROOT:
                    await self._make_root()
                case Step.MAKE_CANARY:
                    await self._make_canary(_roots_of(seen))
                case Step.WORK:
                    self._take(seen)
                    return
                case RootProblem() as found:
                    if found is problem:
                        break
                    problem = found
        raise KeyringRefused(problem or RootProblem.UNSETTLED)

    @property
    def is_open(self) -> bool:
        """Whether the root key is there and right."""
        return self._roots is not None

    @property
    def roots(self) -> RootKeys:
        """The root keys of an open ring."""
        if self._roots is None:
            msg = "the key ring was not opened"
            raise RuntimeError(msg)
        return self._roots

    @property
    def size(self) -> int:
        """How many workspaces' keys are in memory."""
        return len(self._keks)

    def known(self, kid: str, namespace: str, namespace_uid: str) -> Kek | None:
        """Return a KEK of this very namespace that is in memory."""
        stored = self._keks.get(kid)
        return stored.kek if stored and _is_of(stored, namespace, namespace_uid) else None

    async def kek(self, kid: str, namespace: str, namespace_uid: str) -> Kek | None:
        """Return a KEK of this very namespace, at the cost of one read at most.

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
        """Return the newest KEK of this very namespace; the first is made by one POST.

        None: there is one already that does not open, or that is gone again; or the root key's Secret is gone. Nothing
        is made beside a KEK that does not open: it may be this process that lacks its root key.
        """
        if found := self._newest(namespace, namespace_uid):
            return found
        async with self._lock(namespace_uid):
            if found := self._newest(namespace, namespace_uid):
                return found
            if not await self.root_is_stored():
                return None
            if not await self._make_kek(namespace, namespace_uid):
                await self._read_slots(namespace_uid)
        return self._newest(namespace, namespace_uid)

    async def root_is_stored(self) -> bool:
        """Whether the root key is still there: a key under one that only this process knows would be lost with it."""
        known = self.roots.writing.kid
        secret = await self._store.get(ROOT_SECRET_NAME)
        stored = root_keys_of(secret) if secret else None
        return stored is not None and stored.writing.kid == known

    def forget(self, namespace_uid: str) -> None:
        """Drop the KEKs of a namespace that is gone from memory; its Secrets stay."""
        self._keks = {kid: kek for kid, kek in self._keks.items() if kek.document.namespace_uid != namespace_uid}

    async def _look(self) -> Seen:
        """Look in the order in which things are made: what is seen later was made after what was looked for before."""
        root = await self._store.get(ROOT_SECRET_NAME)
        canaries = await self._store.list(CANARY_SECRET_TYPE)
        keks = await self._store.list(KEK_SECRET_TYPE)
        alone = not canaries and not keks
        sealing = await self._store.list(SEALING_KEY_SECRET_TYPE) if alone else []
        exist = alone and not sealing and await self._store.credentials_exist()
        return Seen(root, canaries, keks, credentials_exist=exist, sealing_keys=sealing)

    async def _make_root(self) -> None:
        data = {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())}
        await self._store.create(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, data, LABELS)

    async def _make_canary(self, roots: RootKeys) -> None:
        name = canary_secret_name(roots.writing.kid)
        data = {CANARY_DATA_KEY: make_canary(roots.writing, RootSource.SECRET).to_bytes()}
        await self._store.create(name, CANARY_SECRET_TYPE, data, LABELS)

    def _take(self, seen: Seen) -> None:
        self._roots = _roots_of(seen)
        opened = {secret.name: stored_kek_of(secret, self._roots) for secret in seen.keks}
        self._keks = {stored.document.kid: stored for stored in opened.values() if stored}
        self.unopened = tuple(name for name, stored in opened.items() if stored is None)

    async def _make_kek(self, namespace: str, namespace_uid: str) -> bool:
        kek = new_kek(namespace_uid, FIRST_SLOT)
        document = wrap_kek(kek, namespace, namespace_uid, self.roots.writing, RootSource.SECRET)
        name = kek_secret_name(namespace_uid, FIRST_SLOT)
        created = await self._store.create(name, KEK_SECRET_TYPE, {KEK_DATA_KEY: document.to_bytes()}, LABELS)
        if created:
            self._keks[kek.kid] = StoredKek(document, kek)
        return created

    async def _read_slots(self, namespace_uid: str) -> None:
        for slot in range(FIRST_SLOT, _MOST_SLOTS):
            if not await self._read(namespace_uid, slot):
                return

    async def _read(self, namespace_uid: str, slot: int) -> bool:
        """Read one KEK's Secret and keep what opens; False when there is no such Secret."""
        secret = await self._store.get(kek_secret_name(namespace_uid, slot))
        stored = stored_kek_of(secret, self.roots) if secret else None
        if stored:
            self._keks[stored.document.kid] = stored
        return secret is not None

    def _newest(self, namespace: str, namespace_uid: str) -> Kek | None:
        own = [stored for stored in self._keks.values() if _is_of(stored, namespace, namespace_uid)]
        return max(own, key=lambda stored: stored.document.slot or 0).kek if own else None

    def _lock(self, namespace_uid: str) -> asyncio.Lock:
        return self._writing.setdefault(namespace_uid, asyncio.Lock())


def _is_of(stored: StoredKek, namespace: str, namespace_uid: str) -> bool:
    return (stored.document.namespace, stored.document.namespace_uid) == (namespace, namespace_uid)


def _roots_of(seen: Seen) -> RootKeys:
    roots = root_keys_of(seen.root) if seen.root else None
    if roots is None:  # next_step has seen them
        raise KeyringRefused(RootProblem.ROOT_MALFORMED)
    return roots
