"""The port `Visits`: visits to servers in threads, so many at once and not more of one server or namespace.

The pass waits for its turn here; the time of a visit begins when its thread does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.controller.logs import where
from sshcredential_operator.ssh import client
from sshcredential_operator.ssh.arranging import arrange
from sshcredential_operator.ssh.destinations import Destinations
from sshcredential_operator.ssh.visit import (
    Arranged,
    Arrangement,
    Failed,
    Login,
    PrivateKey,
    Queried,
    Route,
    Visited,
)

log = logging.getLogger(__name__)

VISITS: Final = 16
"""So many visits run at once."""
OF_ONE_NAMESPACE: Final = 8
OF_ONE_SERVER: Final = 2
"""Far below the 10 that sshd lets wait for a login before it begins to drop some (MaxStartups 10:30:100)."""

Came = TypeVar("Came", Visited, Queried, Arranged)


class ThreadedVisits:
    """Runs visits. `visited` is told of each: what for, what came of it, how many seconds it took."""

    def __init__(self, destinations: Destinations, visited: Callable[[str, str, float], None]) -> None:
        self._destinations, self._visited = destinations, visited
        self._threads = ThreadPoolExecutor(VISITS, thread_name_prefix="visit")
        self._all = asyncio.Semaphore(VISITS)
        self._of: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()
        self.running = 0

    async def login(self, route: Route, key: PrivateKey) -> Visited | Failed:
        """Log in and open a session."""
        return await self._visit("login", route, lambda: client.login(route, key, self._destinations))

    async def query(self, route: Route, public_keys: tuple[str, ...]) -> Queried | Failed:
        """Ask which keys would be accepted."""
        return await self._visit("query", route, lambda: client.query(route, public_keys, self._destinations))

    async def arrange(self, route: Route, login: Login, arrangement: Arrangement) -> Arranged | Failed:
        """Bring authorized_keys into order."""
        visit = lambda: arrange(route, login, arrangement, self._destinations)  # noqa: E731 - as the others
        return await self._visit("arrange", route, visit)

    def use(self, destinations: Destinations) -> None:
        """Go by these from the next visit on."""
        self._destinations = destinations

    def close(self) -> None:
        """Wait for no further visit; those that run end with their time."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _visit(self, purpose: str, route: Route, visit: Callable[[], Came | Failed]) -> Came | Failed:
        async with self._turn(route):
            began, self.running = time.monotonic(), self.running + 1
            try:
                came = await asyncio.get_running_loop().run_in_executor(self._threads, visit)
            except Exception as error:  # noqa: BLE001 - a visit never raises; if one does, its text may be a server's
                log.error("visit failed", extra={"error": type(error).__name__, "at": where(error)})
                came = Failed(TargetReason.CONNECTION_LOST)
            finally:
                self.running -= 1
        result = came.reason.value if isinstance(came, Failed) else "success"
        self._visited(purpose, result, time.monotonic() - began)
        return came

    @asynccontextmanager
    async def _turn(self, route: Route) -> AsyncIterator[None]:
        """Wait until every server of the route has a place, then the namespace, then this process: in one order."""
        servers = sorted({(hop.host.lower(), hop.port) for hop in (*(hop for hop, _ in route.jumps), route.target)})
        async with AsyncExitStack() as turn:
            for server in servers:
                await turn.enter_async_context(self._place(server, OF_ONE_SERVER))
            await turn.enter_async_context(self._place(route.namespace, OF_ONE_NAMESPACE))
            await turn.enter_async_context(self._all)
            yield

    def _place(self, of: object, places: int) -> asyncio.Semaphore:
        return self._of.setdefault(of, asyncio.Semaphore(places))
