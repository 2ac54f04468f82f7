"""Puts the operator together and runs it until it is told to stop. Called by `cli/operator.py`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import resource
import signal
import socket
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from sshcredential_operator.api.names import EXPORT_PLURAL, CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Sealed, Spec
from sshcredential_operator.controller.admission import look_for_policies
from sshcredential_operator.controller.candidacy import Candidacy
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.exporting import Exporting
from sshcredential_operator.controller.health import Contact, Health, HealthServer
from sshcredential_operator.controller.inputs import WatchedInputs
from sshcredential_operator.controller.key_work import LocalKeyWork
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.options import Options
from sshcredential_operator.controller.ports import ApiAnnouncer, ApiCredentials, ApiInputs, ApiSecrets, api_is_served
from sshcredential_operator.controller.requests import ODD_ANSWERS, Requests
from sshcredential_operator.controller.ring_store import PROBLEMS, ApiKeyringStore
from sshcredential_operator.controller.sealing import own_sealing
from sshcredential_operator.controller.shell import Tap, run_kopf
from sshcredential_operator.controller.state_metrics import KeyringCollector, SealingCollector
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.tasks import begin, cancel
from sshcredential_operator.controller.work_queue import KEY_PLACES, WORKERS, WorkQueue
from sshcredential_operator.controller.worker import work
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.keyring import Keyring, KeyringRefused
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 8.0
"""How long running passes may take to finish when the operator stops."""

NO_API: Final = "The API sshcredentials.dev is not served: install the CRD (crds/); going on as soon as it is there."
NO_SERVER: Final = "The API server at {server} cannot be reached, or does not accept our credentials; trying again."


class Operator:
    """One running operator. Everything is made here once and handed to those who need it."""

    def __init__(self, options: Options, connection: Connection) -> None:
        self._options, self._connection = options, connection
        self._requests = Requests(connection)
        self._store, self._queue, self._health = Store(), WorkQueue[CredentialKey](), Health()
        self._metrics = Metrics(self._store, self._queue, options.policies)
        self._exporting = Exporting(options.guard_exports, connection, self._requests, self._store, self._queue)
        self._inputs = WatchedInputs(connection, ApiInputs(self._requests), self._queue)
        ring_store = ApiKeyringStore(self._requests, options.operator_namespace, options.workspaces)
        self._keyring = Keyring(ring_store)
        self._metrics.registry.register(KeyringCollector(self._keyring, ring_store.history))
        self._sealing = own_sealing(self._keyring, ring_store, self._requests, options)
        self._sealing.remarks = self._health.remarks
        self._sealing.on_newer = self._look_at_sealed
        self._metrics.registry.register(SealingCollector(self._sealing, self._store))
        self._workspaces = KeyringWorkspaces(self._keyring, self._requests)
        self._keys = LocalKeyWork(self._queue, self._metrics.worked_on_key)
        self._stopping = asyncio.Event()
        contact = Contact(self._health, connection.server)
        connection.on_answer, connection.on_silence = contact.answered, contact.unanswered
        connection.on_request = self._metrics.requested
        self._metrics.leader.set(not options.leader_election)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        no_core_dumps()
        self._listen_to_signals()
        server = HealthServer(self._health, self._metrics)
        address = await server.start(self._options.host, self._options.port)
        log.info("listening", extra={"address": address})
        self._health.wait_for("start", "The operator is starting.")
        background = [begin(self._health.keep_beating()), begin(self._connection.keep_fresh())]
        try:
            if await self._until_stopped(self._open_key_ring()):
                await self._reconcile()
        finally:
            await cancel(background)
            await self._exporting.close()
            await self._inputs.close()
            await self._keys.close()
            await self._requests.close()
            await server.stop()
            log.info("stopped")

    async def _reconcile(self) -> None:
        world = self._world()
        candidacy = self._candidacy() if self._options.leader_election else None
        # Kopf cancels, when it stops, every task that was made after it was started: election and workers come first.
        workers = [begin(self._sealing.run())]
        workers += [begin(work(self._queue, world, self._metrics)) for _ in range(WORKERS + KEY_PLACES)]
        workers += self._exporting.start(world, self._options.workspaces, self._metrics)
        try:
            await self._supervise_kopf()
        finally:
            all_is_done = await self._let_passes_finish()
            await cancel(workers)
            if candidacy:
                await candidacy.end(all_is_done=all_is_done)

    async def _supervise_kopf(self) -> None:
        tap = Tap(self._store, self._queue, self._workspaces, self._metrics, self._exporting.feed)
        tap.on_start = self._listen_to_signals  # Kopf has put its own handlers in the place of ours
        tap.on_list = self._health.lists
        tap.on_answer = self._note_start
        while not self._stopping.is_set():
            if not await self._until_stopped(self._api_served()):
                return
            await look_for_policies(self._requests, self._metrics)
            try:
                await self._run_kopf(tap)
                return  # it ends without an error only when it was told to
            except Exception as error:  # noqa: BLE001 - whatever it is, the framework is started again
                log.error("Kopf ended, starting it again", extra={"error": type(error).__name__, "at": where(error)})
            self._health.wait_for("start", "The watches are being started again.")
            self._listen_to_signals()
            self._inputs.resume()
            await asyncio.sleep(random.uniform(0.5, 2.0))  # noqa: S311 - jitter

    def _note_start(self) -> None:
        if self._store.has_answers(self._options.workspaces or (None,)):
            self._health.has("start")

    async def _run_kopf(self, tap: Tap) -> None:
        stop = asyncio.Event()

        async def stop_in_order() -> None:
            await self._stopping.wait()
            await self._exporting.stop_watching()
            await self._inputs.close()  # Kopf waits for every task that it does not know
            stop.set()

        stopper = begin(stop_in_order())
        try:
            await run_kopf(self._connection, tap, self._options.workspaces, stop)
        finally:
            await cancel([stopper])

    def _world(self) -> World:
        return World(
            known=self._store,
            secrets=ApiSecrets(self._requests),
            credentials=ApiCredentials(self._requests),
            inputs=self._inputs,
            workspaces=self._workspaces,
            sealing=self._sealing,
            strict_seals_only=self._options.strict_seals_only,
            keys=self._keys,
            announcer=ApiAnnouncer(self._requests, socket.gethostname()),
            operator_namespace=self._options.operator_namespace,
            policies=self._options.policies,
            now=_now,
            use=lambda key: self._exporting.store.use(key, _now()),
        )

    def _look_at_sealed(self, _: str) -> None:
        self._exporting.feed.sealing_key_changed()
        for credential in self._store.credentials():
            if isinstance(credential.spec, Spec) and isinstance(credential.spec.source, Sealed):
                self._queue.add(credential.key)

    def _candidacy(self) -> Candidacy:
        own = self._options.operator_namespace
        followers = (self._queue, self._exporting.queue, self._sealing)
        return Candidacy(self._connection, own, self._requests, followers, self._health, self._metrics)

    async def _open_key_ring(self) -> None:
        while True:
            try:
                await self._keyring.open()
            except KeyringRefused as refused:
                sentence = PROBLEMS[refused.problem]
            except TroubleError as trouble:
                sentence = (
                    f"The key ring in namespace {self._options.operator_namespace} cannot be read or written "
                    f"({trouble.reason.value}): does the namespace exist, and may the operator use Secrets there?"
                )
                if trouble.reason is Reason.SERVER_UNAVAILABLE:  # then this says nothing about the namespace
                    sentence = NO_SERVER.format(server=self._connection.server)
            except ODD_ANSWERS:
                sentence = NO_SERVER.format(server=self._connection.server)
            else:
                self._health.has("key ring")
                return
            if self._health.wait_for("key ring", sentence):
                log.error(sentence)
            await asyncio.sleep(random.uniform(1.0, 3.0))  # noqa: S311 - jitter

    async def _api_served(self) -> None:
        while True:
            sentence = NO_API
            try:
                if await api_is_served(self._requests) and await api_is_served(self._requests, EXPORT_PLURAL):
                    self._health.has("api")
                    return
            except (TroubleError, *ODD_ANSWERS):
                sentence = NO_SERVER.format(server=self._connection.server)
            if self._health.wait_for("api", sentence):
                log.warning(sentence)
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    async def _until_stopped(self, work_to_do: Coroutine[Any, Any, None]) -> bool:
        doing, stopping = begin(work_to_do), begin(self._stopping.wait())
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        finished = doing.done()
        await cancel([doing, stopping])
        if finished:
            doing.result()
        return finished and not self._stopping.is_set()

    async def _let_passes_finish(self) -> bool:
        queues = (self._queue, self._exporting.queue)
        for queue in queues:
            queue.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(queue.idle() for queue in queues)), GRACE_SECONDS)
            return True
        return False

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)


def no_core_dumps() -> None:
    """Keys in memory must not be written to disk by a crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _now() -> datetime:
    return datetime.now(UTC)
