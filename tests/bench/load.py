"""Load, and how long each object of it waits: bursts, arrivals at a rate, one by one. Used by the sections.

What is created and when it is done are a `Job`'s; the clock is this process', which watches on its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bench.writer import CONNECTIONS, ED25519, Writer, all_at_once, is_ready
from sshcredential_operator.api.names import API_VERSION, KIND, PLURAL

PATIENCE: Final = 3600


@dataclass(frozen=True, slots=True)
class Job:
    """An object that asks for one secret. Paths are of collections and have a `{namespace}`."""

    path: str
    body: Callable[[str], Mapping[str, Any]]
    """The object of that name."""
    is_done: Callable[[bytes], bool] = is_ready
    """Whether an event of the collection says that the secret is there."""


class Loaded(NamedTuple):
    """What became of a load: seconds from its first request until all was done, and how long each object waited."""

    seconds: float
    waits: list[float]


def credential_job(spec: Mapping[str, Any] = ED25519) -> Job:
    """Return the job of this operator: an SSHCredential."""

    def body(name: str) -> Mapping[str, Any]:
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}

    return Job(f"/apis/{API_VERSION}/namespaces/{{namespace}}/{PLURAL}", body)


async def burst(to: Writer, job: Job, namespace: str, count: int, *, word: str = "burst") -> Loaded:
    """Create all at once and wait until all are done. Names begin with `word`."""
    names = _names(word, count)

    async def create(load: _Load) -> None:
        await all_at_once(lambda _, name: load.create(name), namespace, names, CONNECTIONS)

    return await _loaded(to, job, namespace, names, create)


async def arrivals(to: Writer, job: Job, namespace: str, per_second: float, seconds: float) -> Loaded:
    """Create one after the other at a steady rate, whether or not earlier ones are done."""
    names = _names(f"rate-{per_second:g}", max(1, round(per_second * seconds)))

    async def create(load: _Load) -> None:
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(names):
                await asyncio.sleep(max(0.0, begun + number / per_second - time.monotonic()))
                group.create_task(load.create(name))

    return await _loaded(to, job, namespace, names, create)


async def one_by_one(to: Writer, job: Job, namespace: str, count: int, *, word: str = "single") -> Loaded:
    """Create each one when the one before is done."""
    names = _names(word, count)

    async def create(load: _Load) -> None:
        for name in names:
            await load.create(name)
            await load.done[name]

    return await _loaded(to, job, namespace, names, create)


class _Load:
    def __init__(self, to: Writer, job: Job, namespace: str, names: Iterable[str]) -> None:
        self._to, self._job, self._path = to, job, job.path.format(namespace=namespace)
        loop = asyncio.get_running_loop()
        self.done: dict[str, asyncio.Future[float]] = {name: loop.create_future() for name in names}
        self.created: dict[str, float] = {}

    async def create(self, name: str) -> None:
        self.created[name] = time.monotonic()
        await self._to.post(self._path, self._job.body(name))

    async def watch(self) -> None:
        async for name, moment in self._to.watch_done(self._path, self._job.is_done):
            if name in self.done:
                self.done[name].set_result(moment)


async def _loaded(
    to: Writer, job: Job, namespace: str, names: list[str], create: Callable[[_Load], Awaitable[None]]
) -> Loaded:
    load = _Load(to, job, namespace, names)
    begun = time.monotonic()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:  # what ends the watch ends everything
        watching = group.create_task(load.watch())
        await create(load)
        await asyncio.gather(*load.done.values())
        watching.cancel()
    seen = {name: future.result() for name, future in load.done.items()}
    return Loaded(max(seen.values()) - begun, [seen[name] - load.created[name] for name in names])


def _names(word: str, count: int) -> list[str]:
    return [f"{word}-{number}" for number in range(count)]
