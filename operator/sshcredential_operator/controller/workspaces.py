"""The port `Workspaces`: the key ring, with the uid that binds a workspace's key to its namespace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.roots import RootAway
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeyringWorkspaces:
    """Reads a namespace's uid once, and again after a deletion in it: it may be another namespace by then."""

    def __init__(self, keyring: Keyring, requests: Requests) -> None:
        self._keyring, self._requests = keyring, requests
        self._reads: dict[Namespace, asyncio.Task[str]] = {}

    async def kek_for_writing(self, namespace: Namespace) -> Kek:
        """Return the newest key of a workspace; the first credential of a workspace makes it."""
        kek = await from_ring(self._keyring.kek_for_writing(namespace, await self.uid(namespace)))
        if kek is None:  # there is one that does not open: nothing is made beside it
            raise TroubleError(Reason.KEY_RING_UNAVAILABLE)
        return kek

    async def kek(self, key_id: str, namespace: Namespace) -> Kek | None:
        """Return a key by its id; None if the key ring does not have it for this very namespace."""
        return await from_ring(self._keyring.kek(key_id, namespace, await self.uid(namespace)))

    def forget(self, namespace: Namespace | None) -> None:
        """Read the uid of a namespace, or of all of them, again next time."""
        if namespace is None:
            self._reads.clear()
        else:
            self._reads.pop(namespace, None)

    async def uid(self, namespace: Namespace) -> str:
        """Return the uid of a namespace, read once."""
        # After a start many passes ask at once: they share one request, and one failure.
        read = self._reads.get(namespace)
        if read is None or _failed(read):
            read = self._reads[namespace] = asyncio.create_task(self._read_uid(namespace))
        return await asyncio.shield(read)

    async def _read_uid(self, namespace: Namespace) -> str:
        answer = await self._requests.send("GET", f"/api/v1/namespaces/{namespace}", what="namespaces")
        uid: str = answer.json()["metadata"]["uid"]
        return uid


async def from_ring(asked: Awaitable[T]) -> T:
    """Wait for the key ring. What it may not do is no fault of the workspace, whose users could not mend it."""
    try:
        return await asked
    except RootAway:
        raise TroubleError(Reason.KEY_RING_UNAVAILABLE) from None
    except TroubleError as trouble:
        if trouble.reason is Reason.SERVER_UNAVAILABLE:
            raise
        log.error(
            "the key ring's Secrets cannot be used: may the operator read and create Secrets in its own namespace?",
            extra={"reason": trouble.reason.value},
        )
        raise TroubleError(Reason.KEY_RING_UNAVAILABLE, retry_after=trouble.retry_after) from None


def _failed(read: asyncio.Task[str]) -> bool:
    return read.done() and (read.cancelled() or read.exception() is not None)
