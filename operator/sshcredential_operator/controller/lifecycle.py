"""What a process of ours does besides its work: signals, waiting for API and key ring, Kopf kept running.

Used by `operator.py` and `targets/process.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Final

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.health import Contact, Health
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.ports import api_is_served
from sshcredential_operator.controller.requests import ODD_ANSWERS, Requests
from sshcredential_operator.controller.ring_problems import sentence_of
from sshcredential_operator.controller.shell import Tap, run_kopf
from sshcredential_operator.controller.tasks import begin, cancel
from sshcredential_operator.encryption.keyring import KeyringRefused
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

NO_API: Final = "The API sshcredentials.dev is not served: install the CRDs (crds/); going on as soon as it is there."
NO_SERVER: Final = "The API server at {server} cannot be reached, or does not accept our credentials; trying again."


class Lifecycle:
    """From the first signal handler to the last watch."""

    def __init__(self, health: Health, connection: Connection, requests: Requests) -> None:
        self._health, self._connection, self._requests = health, connection, requests
        self._stopping = asyncio.Event()
        contact = Contact(health, connection.server)
        connection.on_answer, connection.on_silence = contact.answered, contact.unanswered
        self.before_each_start: Callable[[], Awaitable[None]] = _nothing
        """Awaited whenever the API is served and the watches are about to start."""
        self.on_restart: Callable[[], None] = lambda: None
        """Called when the watches have broken and are started again."""
        self.on_key_ring_problem: Callable[[str], Awaitable[None]] = _unheard
        """Awaited with a sentence when the key ring does not open, once for each."""
        self.stop_watching: Callable[[], Awaitable[None]] = _nothing
        """Awaited before Kopf is told to stop: it waits for every task that it does not know."""

    def listen_to_signals(self) -> None:
        """Stop at SIGTERM and SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)

    async def until_stopped(self, work_to_do: Coroutine[Any, Any, None]) -> bool:
        """Do something, or break it off when the process is told to stop; return whether it was done."""
        doing, stopping = begin(work_to_do), begin(self._stopping.wait())
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        finished = doing.done()
        await cancel([doing, stopping])
        if finished:
            doing.result()
        return finished and not self._stopping.is_set()

    async def open_key_ring(self, opened: Callable[[], Awaitable[None]], namespace: Namespace) -> None:
        """Try until the key ring opens, and say what is wrong with it meanwhile."""
        while True:
            try:
                await opened()
            except KeyringRefused as refused:
                sentence = sentence_of(refused.problem, refused.place)
            except TroubleError as trouble:
                sentence = (
                    f"The key ring in namespace {namespace} cannot be read or written "
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
                await self.on_key_ring_problem(sentence)
            await asyncio.sleep(random.uniform(1.0, 3.0))  # noqa: S311 - jitter

    async def keep_watching(self, tap: Tap, namespaces: tuple[Namespace, ...], plurals: Collection[str]) -> None:
        """Run Kopf until the process is told to stop, and start it again whatever ends it."""
        tap.on_start = self.listen_to_signals  # Kopf has put its own handlers in the place of ours
        tap.on_list = self._health.lists
        while not self._stopping.is_set():
            if not await self.until_stopped(self._api_served(plurals)):
                return
            await self.before_each_start()
            try:
                await self._run_kopf(tap, namespaces)
                return  # it ends without an error only when it was told to
            except Exception as error:  # noqa: BLE001 - whatever it is, the framework is started again
                log.error("Kopf ended, starting it again", extra={"error": type(error).__name__, "at": where(error)})
            self._health.wait_for("start", "The watches are being started again.")
            self.listen_to_signals()
            self.on_restart()
            await asyncio.sleep(random.uniform(0.5, 2.0))  # noqa: S311 - jitter

    async def _run_kopf(self, tap: Tap, namespaces: tuple[Namespace, ...]) -> None:
        stop = asyncio.Event()

        async def stop_in_order() -> None:
            await self._stopping.wait()
            await self.stop_watching()
            stop.set()

        stopper = begin(stop_in_order())
        try:
            await run_kopf(self._connection, tap, namespaces, stop)
        finally:
            await cancel([stopper])

    async def _api_served(self, plurals: Collection[str]) -> None:
        while True:
            sentence = NO_API
            try:
                served = [await api_is_served(self._requests, plural) for plural in plurals]
                if all(served):
                    self._health.has("api")
                    return
            except (TroubleError, *ODD_ANSWERS):
                sentence = NO_SERVER.format(server=self._connection.server)
            if self._health.wait_for("api", sentence):
                log.warning(sentence)
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter


def no_core_dumps() -> None:
    """Keys in memory must not be written to disk by a crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _nothing() -> None:
    pass


async def _unheard(_: str) -> None:
    pass
