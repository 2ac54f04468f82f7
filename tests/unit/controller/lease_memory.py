"""One Lease in memory, as an API server keeps it, and replicas that stand for election on it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.leader import Elector, Standing
from sshcredential_operator.controller.lease import LEASE_SECONDS, Lease
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.virtual_time import Freezable

LATENCY = 0.005


class Network(Enum):
    """What becomes of a replica's requests."""

    OPEN = "open"
    SILENT = "silent"  # nothing arrives, and nobody says so
    REFUSED = "refused"
    ONE_WAY = "one way"  # requests arrive, answers do not


class Write(NamedTuple):
    """One successful write, and when."""

    moment: float
    replica: str
    holder: str


def now() -> float:
    """Return the time of the scenario."""
    return asyncio.get_running_loop().time()


class Server:
    """The Lease with its versions and watches. `writes` and `requests` are all that there were."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.writes: list[Write] = []
        self.requests: list[tuple[float, str, str]] = []
        self._version = 0
        self._watches: list[tuple[Leases, asyncio.Queue[Lease | None]]] = []

    def put(self, holder: str, by: str, *, seconds: float = LEASE_SECONDS) -> Lease:
        """Write a new revision."""
        self._version += 1
        self.lease = Lease(str(self._version), holder, seconds, {"by": by})
        self.writes.append(Write(now(), by, holder))
        self._show(self.lease)
        return self.lease

    def touch(self) -> None:
        """Make a new revision that changes nothing of the holder, as a new label does."""
        assert self.lease
        self._version += 1
        self.lease = replace(self.lease, version=str(self._version))
        self._show(self.lease)

    def delete(self) -> None:
        """Delete the Lease."""
        self.lease = None
        self._show(None)

    def cut_watches(self) -> None:
        """End every watch."""
        for _, events in self._watches:
            events.put_nowait(_END)

    @asynccontextmanager
    async def followed(self, by: Leases, since: Lease) -> AsyncIterator[asyncio.Queue[Lease | None]]:
        """Register a watch."""
        events: asyncio.Queue[Lease | None] = asyncio.Queue()
        if self.lease is None or self.lease.version != since.version:
            events.put_nowait(self.lease)
        self._watches.append((by, events))
        try:
            yield events
        finally:
            self._watches.remove((by, events))

    def _show(self, lease: Lease | None) -> None:
        for leases, events in self._watches:
            if leases.network is Network.OPEN and not leases.deaf:
                events.put_nowait(lease)


_END = Lease("", "", math.nan, {})


class Leases:
    """The port, for one replica. `forbidden` are verbs; a `deaf` one's watches stay open and tell nothing."""

    def __init__(self, server: Server, replica: str) -> None:
        self.server, self.replica = server, replica
        self.network = Network.OPEN
        self.forbidden: set[str] = set()
        self.deaf = False
        self.latency = LATENCY
        self.broken: Exception | None = None

    async def read(self) -> Lease | None:
        await self._sent("get")
        return await self._answered(self.server.lease)

    async def create(self, holder: str) -> Lease | None:
        await self._sent("create")
        created = None if self.server.lease else self.server.put(holder, self.replica)
        return await self._answered(created)

    async def update(self, lease: Lease, holder: str) -> Lease | None:
        await self._sent("update")
        current = self.server.lease
        fresh = current is not None and current.version == lease.version
        return await self._answered(self.server.put(holder, self.replica) if fresh else None)

    @asynccontextmanager
    async def watch(self, since: Lease) -> AsyncIterator[AsyncIterator[Lease | None]]:
        await self._sent("watch")
        async with self.server.followed(self, since) as events:
            yield _told(events)

    async def _sent(self, verb: str) -> None:
        self.server.requests.append((now(), self.replica, verb))
        await asyncio.sleep(self.latency)
        if self.broken:
            raise self.broken
        if self.network is Network.REFUSED:
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        if self.network is Network.SILENT:
            await asyncio.sleep(3600)
        if verb in self.forbidden:
            raise TroubleError(Reason.FORBIDDEN, {"verb": verb, "resource": "leases.coordination.k8s.io"})

    async def _answered(self, answer: Lease | None) -> Lease | None:
        await asyncio.sleep(self.latency)
        if self.network in {Network.SILENT, Network.ONE_WAY}:
            await asyncio.sleep(3600)
        return answer


async def _told(events: asyncio.Queue[Lease | None]) -> AsyncIterator[Lease | None]:
    while (lease := await events.get()) is not _END:
        yield lease


class Replica:
    """One process: an elector with a clock that shares nothing with the others' but its pace."""

    def __init__(self, server: Server, name: str, clock_offset: float = 0.0) -> None:
        self.name, self.leases = name, Leases(server, name)
        self.told: list[tuple[Standing, TroubleError | None]] = []
        loop = asyncio.get_running_loop()
        self.slept = clock_offset
        """How far its clock is ahead of the event loop's timers, which do not run while the machine sleeps."""
        self.elector = Elector(
            self.leases, name, lambda *told: self.told.append(told), lambda: loop.time() + self.slept
        )
        self._process = Freezable(self.elector.run())
        self._task = asyncio.create_task(self._process.run())
        self.alive = True
        self.freeze, self.thaw = self._process.freeze, self._process.thaw

    def leads(self) -> bool:
        """Whether it would write now."""
        return self.alive and self.elector.leads()

    def kill(self) -> None:
        """End it like a crash."""
        self.alive = False
        self.thaw()
        self._task.cancel()

    async def stop(self) -> None:
        """End it in order."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.elector.release()
        self.alive = False

    @property
    def standings(self) -> list[Standing]:
        return [standing for standing, _ in self.told]
