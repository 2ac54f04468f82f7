"""Puts the process `targets` together and runs it until it is told to stop. Called by `cli/targets_process.py`.

One of it is enough. Two at once write no wrong status, since every write carries a revision; but a line that only the
later one knows of is taken away by the earlier one, until that hears of the key. So the chart runs one at a time, and
there is no election here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from datetime import UTC, datetime
from typing import Final

from sshcredential_operator.api.names import PLURAL, TARGET_PLURAL, TargetKey
from sshcredential_operator.controller.admission import TargetGuard
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.export_ports import ApiConfigMaps
from sshcredential_operator.controller.health import Health, HealthServer
from sshcredential_operator.controller.lifecycle import Lifecycle, no_core_dumps
from sshcredential_operator.controller.ports import ApiAnnouncer
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.root_sources import places_of
from sshcredential_operator.controller.shell import Tap
from sshcredential_operator.controller.store import Kind
from sshcredential_operator.controller.targets.cluster_ranges import ClusterRanges
from sshcredential_operator.controller.targets.feeds import CredentialFeed, Follower, TargetFeed
from sshcredential_operator.controller.targets.known import Known
from sshcredential_operator.controller.targets.metrics import TargetMetrics
from sshcredential_operator.controller.targets.options import TargetOptions
from sshcredential_operator.controller.targets.ports import (
    ApiCredentialKeys,
    ApiPasswords,
    ApiTargetAnnouncer,
    ApiTargets,
)
from sshcredential_operator.controller.targets.ring import ReadOnlyStore, opened
from sshcredential_operator.controller.targets.visiting import ThreadedVisits
from sshcredential_operator.controller.tasks import begin, cancel
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.worker import Passes, work_at
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.targets.memory import Memories
from sshcredential_operator.targets.one_pass import follow
from sshcredential_operator.targets.ports import TargetWorld

log = logging.getLogger(__name__)

PASSES: Final = 256
"""So many passes run at once. Nearly all of them wait for their turn to visit, which costs nothing."""
SHARE: Final = 128
"""How many of them may be of one namespace."""
GRACE_SECONDS: Final = 15.0
"""How long running visits may take to finish when the process stops."""


class TargetsProcess:
    """One running process. Everything is made here once and handed to those who need it."""

    def __init__(self, options: TargetOptions, connection: Connection) -> None:
        self._options, self._connection = options, connection
        self._requests, self._health = Requests(connection), Health()
        self._known, self._memories = Known(), Memories()
        self._queue = WorkQueue[TargetKey](places=PASSES, share=SHARE)
        self._metrics = TargetMetrics(self._known)
        self._visits = ThreadedVisits(options.told.destinations(), self._metrics.visited)
        self._metrics.running.set_function(lambda: self._visits.running)
        self._metrics.take_queue("target", self._queue)
        store = ReadOnlyStore(self._requests, options.operator_namespace, options.workspaces)
        self._keyring = Keyring(store, places_of(options.root_sources, store))
        self._workspaces = KeyringWorkspaces(self._keyring, self._requests)
        self._life = Lifecycle(self._health, connection, self._requests)
        connection.on_request = self._metrics.requested

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        no_core_dumps()
        self._life.listen_to_signals()
        server = HealthServer(self._health, self._metrics)
        address = await server.start(self._options.host, self._options.port)
        log.info("listening", extra={"address": address})
        self._health.wait_for("start", "The process is starting.")
        background = [begin(self._health.keep_beating()), begin(self._connection.keep_fresh())]
        ring = self._life.open_key_ring(lambda: opened(self._keyring, self._health), self._options.operator_namespace)
        try:
            if await self._life.until_stopped(ring):
                await self._follow()
        finally:
            await cancel(background)
            self._visits.close()
            await self._requests.close()
            await server.stop()
            log.info("stopped")

    async def _follow(self) -> None:
        world, ranges = self._world(), ClusterRanges(self._requests, self._options.told, self._visits.use)
        passes = Passes("target", self._queue, lambda key, failures: follow(key, world, failures), self._known.target)
        # Kopf cancels, when it stops, every task that was made after it was started: workers come first.
        await ranges.look()
        workers = [begin(ranges.keep_looking()), *(begin(work_at(passes, self._metrics)) for _ in range(PASSES))]
        follower = Follower(self._known, self._queue, self._memories.forget, self._workspaces.forget)
        tap = Tap({Kind.TARGETS: TargetFeed(follower), Kind.CREDENTIALS: CredentialFeed(follower)}, self._metrics)
        tap.on_answer = self._note_start
        try:
            await self._life.keep_watching(tap, self._options.workspaces, (TARGET_PLURAL, PLURAL))
        finally:
            self._queue.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queue.idle(), GRACE_SECONDS)
            await cancel(workers)

    def _note_start(self) -> None:
        if all(self._known.is_ready(scope) for scope in self._options.workspaces or (None,)):
            self._health.has("start")

    def _world(self) -> TargetWorld:
        return TargetWorld(
            known=self._known,
            targets=ApiTargets(self._requests),
            keys=ApiCredentialKeys(self._requests, self._workspaces),
            passwords=ApiPasswords(self._requests),
            config_maps=ApiConfigMaps(self._requests),
            visits=self._visits,
            guard=TargetGuard(self._requests, self._metrics.policy.set) if self._options.guarded else None,
            announcer=ApiTargetAnnouncer(ApiAnnouncer(self._requests, socket.gethostname())),
            operator_namespace=self._options.operator_namespace,
            now=lambda: datetime.now(UTC),
            jitter=random.random,
            memories=self._memories,
        )
