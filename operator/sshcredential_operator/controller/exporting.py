"""Puts together what exports need beside credentials: store, queue, workers, watch of copies. Made by `operator.py`."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from sshcredential_operator.api.names import CredentialKey, ExportKey, Namespace
from sshcredential_operator.controller.admission import ExportGuard
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.copies import WatchedCopies
from sshcredential_operator.controller.export_feed import ExportFeed
from sshcredential_operator.controller.export_ports import (
    ApiConfigMaps,
    ApiCopies,
    ApiExportAnnouncer,
    ApiExports,
    ApiTargets,
)
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.ports import ApiAnnouncer
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.state_metrics import ExportCollector
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.worker import work_at_exports
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.reconcile.ports import World

WORKERS: Final = 4
"""So many passes over exports run at once, beside those over credentials."""
SHARE: Final = 3
"""How many of them may be of one namespace."""


class Exporting:
    """The exports' side of one operator."""

    def __init__(
        self,
        guarded: bool,  # noqa: FBT001 - an option
        connection: Connection,
        requests: Requests,
        credentials: Store,
        credential_queue: WorkQueue[CredentialKey],
    ) -> None:
        self._guarded, self._requests = guarded, requests
        self.store, self.queue = ExportStore(), WorkQueue[ExportKey](places=WORKERS, share=SHARE)
        self.feed = ExportFeed(credentials, self.store, self.queue, credential_queue)
        self._copies = WatchedCopies(connection, self.feed)
        self._watches: list[asyncio.Task[None]] = []

    def start(self, world: World, workspaces: tuple[Namespace, ...], metrics: Metrics) -> list[asyncio.Task[Any]]:
        """Begin to watch copies and return the workers, before the framework starts."""
        self._watches = [asyncio.create_task(self._copies.follow(scope)) for scope in workspaces or (None,)]
        metrics.registry.register(ExportCollector(self.store))
        metrics.take_queue("export", self.queue)
        exports = self._world(world, metrics)
        return [asyncio.create_task(work_at_exports(self.queue, exports, metrics)) for _ in range(WORKERS)]

    async def stop_watching(self) -> None:
        """End the watches."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def close(self) -> None:
        """End the watches and their connections."""
        await self.stop_watching()
        await self._copies.close()

    def _world(self, world: World, metrics: Metrics) -> ExportWorld:
        return ExportWorld(
            credentials=world,
            known=self.store,
            exports=ApiExports(self._requests),
            copies=ApiCopies(self._requests),
            config_maps=ApiConfigMaps(self._requests),
            targets=ApiTargets(self._requests),
            guard=ExportGuard(self._requests, metrics.export_policy.set) if self._guarded else None,
            announcer=ApiExportAnnouncer(ApiAnnouncer(self._requests, socket.gethostname())),
        )
