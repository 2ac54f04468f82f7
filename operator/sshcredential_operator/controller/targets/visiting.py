"""The port `Visits`: visits to servers in threads, so many at once and not more of one server or namespace.

The pass waits for its turn here; the time of a visit begins when its thread does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

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

ALL: Final = "all"
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
        self._changed = asyncio.Condition()
        self._taken = Counter[object]()
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
        """Wait until there is a place for all of it at once: nobody holds one while he waits for another."""
        servers = {(hop.host.lower(), hop.port) for hop in (*(hop for hop, _ in route.jumps), route.target)}
        places: dict[object, int] = {
            ALL: VISITS,
            (route.namespace,): OF_ONE_NAMESPACE,
            **dict.fromkeys(servers, OF_ONE_SERVER),
        }
        async with self._changed:
            await self._changed.wait_for(lambda: all(self._taken[one] < most for one, most in places.items()))
            self._taken.update(places.keys())
        try:
            yield
        finally:
            async with self._changed:
                self._taken.subtract(places.keys())
                self._taken = +self._taken
                self._changed.notify_all()
