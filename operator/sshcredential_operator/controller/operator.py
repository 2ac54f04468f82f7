"""Puts the operator together and runs it until it is told to stop. Called by `cli/operator.py`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from datetime import UTC, datetime
from typing import Final

from sshcredential_operator.api.names import EXPORT_PLURAL, PLURAL, TARGET_PLURAL, CredentialKey
from sshcredential_operator.api.spec import Sealed, Spec
from sshcredential_operator.controller.admission import look_for_policies
from sshcredential_operator.controller.candidacy import Candidacy
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.exporting import Exporting
from sshcredential_operator.controller.feeds import Behind, credential_feeds
from sshcredential_operator.controller.health import Health, HealthServer
from sshcredential_operator.controller.inputs import WatchedInputs
from sshcredential_operator.controller.key_work import LocalKeyWork
from sshcredential_operator.controller.lifecycle import Lifecycle, no_core_dumps
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.options import Options
from sshcredential_operator.controller.own_key_ring import OwnKeyRing
from sshcredential_operator.controller.ports import ApiAnnouncer, ApiCredentials, ApiInputs, ApiSecrets
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.sealing import own_sealing
from sshcredential_operator.controller.shell import Tap
from sshcredential_operator.controller.state_metrics import KeyringCollector, RotationCollector, SealingCollector
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.target_feed import TargetFeed
from sshcredential_operator.controller.target_store import TargetStore
from sshcredential_operator.controller.tasks import begin, cancel
from sshcredential_operator.controller.work_queue import KEY_PLACES, WORKERS, WorkQueue
from sshcredential_operator.controller.worker import work
from sshcredential_operator.reconcile.ports import World

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 8.0
"""How long running passes may take to finish when the operator stops."""


class Operator:
    """One running operator. Everything is made here once and handed to those who need it."""

    def __init__(self, options: Options, connection: Connection) -> None:
        self._options, self._connection = options, connection
        self._requests = Requests(connection)
        self._store, self._queue, self._health = Store(), WorkQueue[CredentialKey](), Health()
        self._targets = TargetStore()
        self._metrics = Metrics(self._store, self._queue, options.policies)
        self._exporting = Exporting(options.guard_exports, connection, self._requests, self._store, self._queue)
        self._inputs = WatchedInputs(connection, ApiInputs(self._requests), self._queue)
        self._key_ring = OwnKeyRing(options, connection, self._requests, self._store, self._queue)
        ring, secrets = self._key_ring.ring, self._key_ring.secrets
        self._metrics.registry.register(KeyringCollector(ring, secrets.history))
        self._metrics.registry.register(RotationCollector(self._key_ring.upkeep, self._key_ring.rewrapping))
        self._key_ring.upkeep.remarks = self._health.remarks
        self._sealing = own_sealing(ring, secrets, self._requests, options)
        self._sealing.remarks = self._health.remarks
        self._sealing.on_newer = self._look_at_sealed
        self._metrics.registry.register(SealingCollector(self._sealing, self._store))
        self._keys = LocalKeyWork(self._queue, self._metrics.worked_on_key)
        self._life = Lifecycle(self._health, connection, self._requests)
        self._life.on_key_ring_problem = self._key_ring.announce
        connection.on_request = self._metrics.requested
        self._metrics.leader.set(not options.leader_election)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        no_core_dumps()
        self._life.listen_to_signals()
        server = HealthServer(self._health, self._metrics)
        address = await server.start(self._options.host, self._options.port)
        log.info("listening", extra={"address": address})
        self._health.wait_for("start", "The operator is starting.")
        background = [begin(self._health.keep_beating()), begin(self._connection.keep_fresh())]
        try:
            opening = self._life.open_key_ring(self._key_ring.ring.open, self._options.operator_namespace)
            if await self._life.until_stopped(opening):
                await self._reconcile()
        finally:
            await cancel(background)
            await self._exporting.close()
            await self._inputs.close()
            await self._keys.close()
            await self._key_ring.close()
            await self._requests.close()
            await server.stop()
            log.info("stopped")

    async def _reconcile(self) -> None:
        world = self._world()
        candidacy = self._candidacy() if self._options.leader_election else None
        # Kopf cancels, when it stops, every task that was made after it was started: election and workers come first.
        workers = [begin(self._sealing.run()), *self._key_ring.start()]
        workers += [begin(work(self._queue, world, self._metrics)) for _ in range(WORKERS + KEY_PLACES)]
        workers += self._exporting.start(world, self._options.workspaces, self._metrics)
        try:
            await self._watch()
        finally:
            all_is_done = await self._let_passes_finish()
            await cancel(workers)
            if candidacy:
                await candidacy.end(all_is_done=all_is_done)

    async def _watch(self) -> None:
        changed, complete = self._exporting.feed.credential_changed, self._exporting.feed.begin
        feeds = credential_feeds(Behind(self._store, self._queue, self._key_ring.workspaces, changed, complete))
        targets = TargetFeed(self._store, self._targets, self._queue, self._exporting.feed.target_changed)
        tap = Tap({**feeds, Kind.EXPORTS: self._exporting.feed, Kind.TARGETS: targets}, self._metrics)
        tap.on_answer = self._note_start
        self._life.before_each_start = lambda: look_for_policies(self._requests, self._metrics)
        self._life.on_restart = self._inputs.resume
        self._life.stop_watching = self._stop_watching
        await self._life.keep_watching(tap, self._options.workspaces, (PLURAL, EXPORT_PLURAL, TARGET_PLURAL))

    def _note_start(self) -> None:
        if self._store.has_answers(self._options.workspaces or (None,)):
            self._health.has("start")

    async def _stop_watching(self) -> None:
        await self._exporting.stop_watching()
        await self._inputs.close()

    def _world(self) -> World:
        return World(
            known=self._store,
            secrets=ApiSecrets(self._requests),
            credentials=ApiCredentials(self._requests),
            inputs=self._inputs,
            workspaces=self._key_ring.workspaces,
            sealing=self._sealing,
            strict_seals_only=self._options.strict_seals_only,
            keys=self._keys,
            announcer=ApiAnnouncer(self._requests, socket.gethostname()),
            operator_namespace=self._options.operator_namespace,
            policies=self._options.policies,
            now=_now,
            use=lambda key: self._exporting.store.use(key, _now()),
            rewrap=self._key_ring.rewrapping.wanted,
            targets=self._targets.of_credential,
        )

    def _look_at_sealed(self, _: str) -> None:
        self._exporting.feed.sealing_key_changed()
        for credential in self._store.credentials():
            if isinstance(credential.spec, Spec) and isinstance(credential.spec.source, Sealed):
                self._queue.add(credential.key)

    def _candidacy(self) -> Candidacy:
        own = self._options.operator_namespace
        rotation = (self._key_ring.upkeep, self._key_ring.rewrapping)
        followers = (self._queue, self._exporting.queue, self._sealing, *rotation)
        return Candidacy(self._connection, own, self._requests, followers, self._health, self._metrics)

    async def _let_passes_finish(self) -> bool:
        queues = (self._queue, self._exporting.queue)
        for queue in queues:
            queue.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(queue.idle() for queue in queues)), GRACE_SECONDS)
            return True
        return False


def _now() -> datetime:
    return datetime.now(UTC)
