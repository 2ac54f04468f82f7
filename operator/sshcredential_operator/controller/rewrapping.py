"""Whose turn it is to be put under a newer workspace key: one credential after the other, at a bounded rate.

A turn is a pass over the credential that may do it (`reconcile/rewrap.py`). Nothing is remembered but turns: who is
still under an old key is known from the Secrets that were opened, so a restart goes on where the last one ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.reconcile.observed import RawSecret, Stored, Unopened
from sshcredential_operator.reconcile.rewrap_checks import is_outdated

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""So often somebody looks, in memory, who is under an old key."""
AGAIN_SECONDS: Final = 5.0
"""After this time, doubled each time, who could not use a turn gets another one though nothing has changed."""
AGAIN_MOST: Final = 3600.0


class _Given(NamedTuple):
    """The last turn: for which revision and KEK, when, and how long it is waited for."""

    version: str
    kid: str
    moment: float
    wait: float


class Rewrapping:
    """Gives turns while this replica leads."""

    def __init__(self, store: Store, queue: WorkQueue[CredentialKey], ring: Keyring, rate: float) -> None:
        self._store, self._queue, self._ring, self._pause = store, queue, ring, 1.0 / rate
        self._turns: dict[CredentialKey, Rewrap] = {}
        self._given: dict[CredentialKey, _Given] = {}
        self.re_encrypted: frozenset[Namespace] = frozenset()
        """Workspaces whose values get new data keys on the way."""
        self.done = 0
        """How many Secrets got their turn, since the start."""
        self._permitted: Callable[[], bool] = lambda: True

    def wanted(self, key: CredentialKey) -> Rewrap | None:
        """Return what a pass over this credential may do."""
        return self._turns.get(key)

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Give no turn while `permitted` says no."""
        self._permitted = permitted

    def resume(self) -> None:
        """Go on; a look comes soon enough."""

    def reopen(self, namespace: Namespace, namespace_uid: str) -> None:
        """Let the Secrets of a workspace be opened again whose keys are gone or have come."""
        for key in self._store.keys(Kind.SECRETS, namespace):
            seen = self._store.secret(key)
            if isinstance(seen, Stored) and self._ring.known(seen.key_id, namespace, namespace_uid) is None:
                self._store.lost_key(key, seen)
            if not isinstance(seen, Stored) or isinstance(self._store.secret(key), Unopened):
                self._queue.add(key)

    async def run(self) -> None:
        """Give turns until cancelled."""
        while True:
            outdated = list(self.outdated()) if self._permitted() else []
            self._turns = {key: self._turns[key] for key, _, _ in outdated if key in self._turns}
            for key, stored, newest in outdated:
                if not self._permitted():
                    break
                if self._is_due(key, stored, newest):
                    self._turns[key] = Rewrap(newest, re_encrypt=key.namespace in self.re_encrypted)
                    self._queue.add(key)
                    self.done += 1
                    await asyncio.sleep(self._pause)
            if not outdated:
                self._given.clear()
            await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, key: CredentialKey, stored: Stored, newest: Kek) -> bool:
        now, wait, last = time.monotonic(), AGAIN_SECONDS, self._given.get(key)
        if last and (last.version, last.kid) == (stored.resource_version, newest.kid):
            if key in self._queue or now < last.moment + last.wait:
                return False
            wait = min(2 * last.wait, AGAIN_MOST)
        self._given[key] = _Given(stored.resource_version, newest.kid, now, wait)
        return True

    def outdated(self) -> Iterator[tuple[CredentialKey, Stored, Kek]]:
        """Yield the credentials whose Secrets, as far as they were opened, are under an old key; and the newest key."""
        newest = self._newest()
        if not newest:
            return
        for key in self._store.keys(Kind.SECRETS, None):
            seen = self._store.secret(key)
            kek = newest.get((key.namespace, seen.key_id)) if isinstance(seen, Stored) else None
            if isinstance(seen, Stored) and kek and is_outdated(seen, kek.kid):
                yield key, seen, kek

    def pending(self) -> Counter[Namespace]:
        """Return how many there are in each workspace."""
        return Counter(key.namespace for key, _, _ in self.outdated())

    def is_through(self, namespace: Namespace) -> bool:
        """Whether all Secrets of a workspace were opened, and none of them is under an old key."""
        listed = self._store.is_ready(namespace) or self._store.is_ready(None)
        unread = any(
            isinstance(self._store.secret(key), RawSecret) for key in self._store.keys(Kind.SECRETS, namespace)
        )
        return listed and not unread and not self.pending()[namespace]

    def _newest(self) -> dict[tuple[Namespace, str], Kek]:
        """Return the newest KEK for every KEK of workspaces that have several."""
        uids = Counter(stored.serves for stored in self._ring.documents)
        found = {}
        for stored in self._ring.documents:
            document = stored.document
            if uids[stored.serves] == 1:
                continue
            if kek := self._ring.newest(document.namespace, stored.serves):
                found[Namespace(document.namespace), document.kid] = kek
        return found
