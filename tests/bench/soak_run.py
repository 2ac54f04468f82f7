"""One soak: population, steady rate, rest, quiet minute, and the look at what is there. Used by `soak`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from bench.measuring import settled
from bench.soak_drift import Stored, drift
from bench.soak_ledger import Ledger
from bench.soak_load import CREDENTIALS, Load, secrets_of
from bench.soak_plan import Operation, Place, operations
from bench.soak_samples import Requests, sample
from bench.writer import Writer
from cluster.shown import OURS, Object, data_of
from operators.process import OperatorProcess
from sshcredential_operator.api.names import SECRET_SUFFIX
from sshcredential_operator.encryption.credential_secret import OpenedCredential, Unreadable, open_credential
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.keys.stored import stored_public_key

PATIENCE: Final = 300
WORKSPACES: Final = ("soak-a", "soak-b", "soak-c")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long and how much. Times other than `minutes` are in seconds."""

    minutes: float = 30
    per_second: float = 5
    population: int = 300
    overlap: int = 60
    every: float = 10
    quiet: float = 60
    seed: int = 1


@dataclass(slots=True)
class Soak:
    """One run."""

    operator: OperatorProcess
    sizes: Sizes
    requests: Requests
    keys: Callable[[], Mapping[str, Kek]]
    """The key of each workspace; they are there when its first credential is."""
    ledger: Ledger = field(default_factory=Ledger)
    samples: list[dict[str, Any]] = field(default_factory=list)

    async def run(self, to: Writer) -> dict[str, Any]:
        """Make the population, go on at the steady rate, come to rest, and look at what is there."""
        load = Load(to, self.ledger)
        watching = asyncio.create_task(load.watch())
        plan = operations(self.sizes.seed, WORKSPACES, self.sizes.population, self.sizes.overlap)
        try:
            return await self._unless_ended(watching, self._all(to, load, plan))
        finally:
            watching.cancel()
            await asyncio.wait([watching])  # which closes its connection

    async def _unless_ended(self, watching: asyncio.Task[None], work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        working = asyncio.ensure_future(work)
        await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            working.cancel()
            watching.result()  # raises what has ended it
        return await working

    async def _all(self, to: Writer, load: Load, plan: Iterator[Operation]) -> dict[str, Any]:
        await load.at_once(islice(plan, self.sizes.population))
        async with asyncio.timeout(PATIENCE):
            await load.until_closed()
        await asyncio.to_thread(settled, self.operator.pid)
        self.ledger.waits.clear()
        load.done.clear()
        print(f"  {self.sizes.population} credentials are Ready; the soak begins", flush=True)
        begun, wanted = time.monotonic(), max(1, round(self.sizes.minutes * 60 * self.sizes.per_second))
        over = asyncio.Event()
        sampling = asyncio.create_task(self._sample(load, begun, over))
        await load.steadily(islice(plan, wanted), self.sizes.per_second)
        seconds = time.monotonic() - begun
        over.set()
        await sampling
        await self._rest(to, load)
        quiet = await self._quiet()
        wrong, count = await self._judged(to)
        return {
            "seconds": seconds,
            "operations": dict(load.done),
            "waits": [(kind, asked - begun, taken) for kind, asked, taken in self.ledger.waits],
            "cut short": self.ledger.cut_short,
            "samples": self.samples,
            "quiet": quiet,
            "drift": wrong,
            "credentials": count,
        }

    async def _sample(self, load: Load, begun: float, over: asyncio.Event) -> None:
        """Look at a steady rate, and once more when it is over."""
        while not over.is_set():
            await self._look(load, begun)
            with suppress(TimeoutError):
                pause = begun + len(self.samples) * self.sizes.every - time.monotonic()
                await asyncio.wait_for(over.wait(), max(0.0, pause))
        await self._look(load, begun)

    async def _look(self, load: Load, begun: float) -> None:
        known = {"at": time.monotonic() - begun, "operations": load.done.total()}
        known |= {"credentials": len(self.ledger.wanted), "open": self.ledger.open}
        self.samples.append(known | await asyncio.to_thread(sample, self.operator, self.requests))

    async def _rest(self, to: Writer, load: Load) -> None:
        """Return when all is done, every overlap has come to its end, and every Secret that is to go is gone.

        What never comes to that is for the judge.
        """
        try:
            async with asyncio.timeout(PATIENCE + self.sizes.overlap):
                await load.until_closed()
                while await self._leftovers(to):
                    await asyncio.sleep(1)
        except TimeoutError:
            print("  it does not come to rest", flush=True)
        await asyncio.to_thread(settled, self.operator.pid)

    async def _leftovers(self, to: Writer) -> bool:
        found = await _credentials(to)
        secrets = [one for namespace in WORKSPACES for one in await secrets_of(to, namespace, OURS)]
        return len(secrets) != len(found) or any(map(_has_another_key, secrets))

    async def _quiet(self) -> dict[str, Any]:
        await asyncio.to_thread(self.requests.since_last)
        await asyncio.sleep(self.sizes.quiet)
        return {"seconds": self.sizes.quiet, "requests": await asyncio.to_thread(self.requests.since_last)}

    async def _judged(self, to: Writer) -> tuple[list[str], int]:
        found = await _credentials(to)
        stored: dict[Place, OpenedCredential | Unreadable] = {}
        for namespace, kek in (await asyncio.to_thread(self.keys)).items():
            stored |= opened(await secrets_of(to, namespace, OURS), namespace, kek)
        return list(dict.fromkeys(drift(self.ledger, found, stored))), len(found)


def opened(secrets: Sequence[Object], namespace: str, kek: Kek) -> Stored:
    """Open the Secrets of a namespace with its key."""
    found: dict[Place, Any] = {}
    kek_of_kid: Callable[[str], Kek | None] = {kek.kid: kek}.get
    for secret in secrets:
        name = secret["metadata"]["name"].removesuffix(SECRET_SUFFIX)
        found[Place(namespace, name)] = open_credential(data_of(secret), namespace, name, kek_of_kid, stored_public_key)
    return found


def _has_another_key(secret: Object) -> bool:
    return sum(member.startswith("privateKey.") for member in secret["data"]) > 1


async def _credentials(to: Writer) -> dict[Place, Object]:
    found = (await to.get(CREDENTIALS))["items"]
    return {Place(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in found}
