"""The port `Inputs`: input Secrets are read when a key is taken from them, and watched only while somebody waits.

The watch asks for metadata only, in one namespace, and ends with the last one who waits. All it tells is: look again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextvars import Context
from typing import Any

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.metadata import WATCH_ERRORS, Metadata
from sshcredential_operator.controller.ports import SECRETS_PATH, ApiInputs
from sshcredential_operator.controller.work_queue import WorkQueue


class WatchedInputs:
    """Interest of credentials in Secrets, one metadata watch per namespace that has any."""

    def __init__(self, connection: Connection, reader: ApiInputs, queue: WorkQueue[CredentialKey]) -> None:
        self._connection, self._reader, self._queue = connection, reader, queue
        self._session = connection.session(connections=0)
        self._interest: dict[Namespace, dict[CredentialKey, frozenset[str]]] = {}
        self._present: dict[Namespace, dict[str, str]] = {}
        self._watches: dict[Namespace, asyncio.Task[None]] = {}

    async def read(self, namespace: Namespace, secret_name: str) -> Mapping[str, bytes] | None:
        """Read a user's Secret live."""
        return await self._reader.read(namespace, secret_name)

    def present(self, namespace: Namespace, secret_name: str) -> bool | None:
        """Whether the Secret exists; None as long as nobody watches it."""
        present = self._present.get(namespace)
        return None if present is None else secret_name in present

    def watch(self, key: CredentialKey, secret_names: frozenset[str]) -> None:
        """Look at this credential again when one of these Secrets changes; the empty set ends it."""
        interested = self._interest.setdefault(key.namespace, {})
        known = interested.get(key, frozenset())
        if secret_names:
            interested[key] = secret_names
        else:
            interested.pop(key, None)
        self._tend(key.namespace)
        if secret_names - known and key.namespace in self._present:
            self._queue.add_later(
                key, 0
            )  # the watch was there before: what came between read and now was told to nobody

    def resume(self) -> None:
        """Start watches again that somebody else's clean-up has ended."""
        for namespace in list(self._interest):
            self._tend(namespace)

    async def close(self) -> None:
        """End all watches."""
        for task in self._watches.values():
            task.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)
        await self._session.close()

    def _tend(self, namespace: Namespace) -> None:
        task = self._watches.get(namespace)
        if self._interest.get(namespace):
            if task is None or task.done():
                self._watches[namespace] = asyncio.create_task(
                    self._follow(namespace), name=f"inputs of {namespace}", context=Context()
                )
            return
        self._interest.pop(namespace, None)
        self._present.pop(namespace, None)
        if task is not None:
            del self._watches[namespace]
            task.cancel()

    async def _follow(self, namespace: Namespace) -> None:
        version = ""
        watched = Metadata(self._session, self._connection.server + SECRETS_PATH.format(namespace=namespace))
        while True:
            try:
                version = version or await self._list(namespace, watched)
                async for event, metadata in watched.events(version):
                    version = self._take(namespace, event, metadata)
                pause = 0.1  # the server ends a watch after a while; one that ends all of them at once is not flooded
            except WATCH_ERRORS:
                version = ""
                pause = random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            await asyncio.sleep(pause)

    async def _list(self, namespace: Namespace, watched: Metadata) -> str:
        listed, version = await watched.list()
        present = {metadata["name"]: metadata["resourceVersion"] for metadata in listed}
        before = self._present.get(namespace)
        self._present[namespace] = present
        for key, wanted in self._interest.get(namespace, {}).items():
            if before is None or any(present.get(name) != before.get(name) for name in wanted):
                self._queue.add(key)
        return version

    def _take(self, namespace: Namespace, event: str, metadata: dict[str, Any]) -> str:
        present = self._present.setdefault(namespace, {})
        if event in {"ADDED", "MODIFIED"}:
            present[metadata["name"]] = metadata["resourceVersion"]
        elif event == "DELETED":
            present.pop(metadata["name"], None)
        for key, wanted in self._interest.get(namespace, {}).items():
            if metadata.get("name") in wanted:
                self._queue.add(key)
        version: str = metadata["resourceVersion"]
        return version
