"""`make soak`: create, rotate and delete at a steady rate, and see that memory is flat and nothing drifts.

    make soak                                                    30 minutes, 5 operations per second
    make soak ARGS='--minutes 2 --output dist/soak'              does everything work?

A control plane and an operator of its own. Every ten seconds a sample is taken; every status is watched all the time.
At the end everything must be as it was asked for, and a quiet minute must pass without a write. Memory and times are
only reported; drift ends with exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from bench.asked import without_leases, writes
from bench.machine import look
from bench.measuring import place_of, settled
from bench.run import REPORT
from bench.soak_drift import Stored, drift
from bench.soak_ledger import Ledger
from bench.soak_load import CREDENTIALS, Load, secrets_of
from bench.soak_plan import Operation, Place, operations
from bench.soak_report import memory_verdict, write_report
from bench.soak_samples import Requests, sample
from bench.stage import OPERATOR_NAMESPACE, USER, Stage, control_plane
from bench.writer import Writer, writer
from cluster.desk import Desk, desk_in
from cluster.opened import kek_of
from cluster.shown import OURS, Object, data_of
from controlplane.plane import ControlPlane
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
        return any("previous" in one["status"] for one in found.values()) or len(secrets) != len(found)

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


async def _credentials(to: Writer) -> dict[Place, Object]:
    found = (await to.get(CREDENTIALS))["items"]
    return {Place(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in found}


def soak(plane: ControlPlane, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Run a soak on a control plane of its own, and return its figures."""
    stage = Stage(plane, folder)
    stage.namespaces(*WORKSPACES)
    machine = look()
    with ExitStack() as until_the_end:
        operator = until_the_end.enter_context(stage.operator(WORKSPACES))
        ring, *desks = (until_the_end.enter_context(desk_in(plane, one)) for one in (OPERATOR_NAMESPACE, *WORKSPACES))
        run = Soak(operator, sizes, Requests(plane, USER), partial(_keys, ring, desks))

        async def all_of_it() -> dict[str, Any]:
            async with writer(plane) as to:
                return await run.run(to)

        figures = asyncio.run(all_of_it())
        errors = [entry for entry in operator.entries() if entry.get("level", "").upper() in {"ERROR", "CRITICAL"}]
    figures["errors"] = len(errors)
    figures["drift"] += [f"the operator logged an error: {entry['message']}" for entry in errors[:20]]
    if written := writes(figures["quiet"]["requests"]):
        said = without_leases(figures["quiet"]["requests"])
        figures["drift"].append(f"{written} writes when all was quiet: {said}")
    figures |= {"machine": machine, "load after": look()["load"], "operators": place_of(stage)}
    return figures | {"per second": sizes.per_second}


def _keys(ring: Desk, desks: Sequence[Desk]) -> dict[str, Kek]:
    return {desk.namespace: kek_of(desk.namespace_uid(), ring) for desk in desks}


def main(arguments: Sequence[str]) -> int:
    """Run it, write figures and report, and return 1 if anything has drifted."""
    options = _parser().parse_args(arguments)
    values = {name: value for name, value in vars(options).items() if name != "output"}
    with control_plane() as (plane, folder):
        figures = soak(plane, folder, Sizes(**values))
    figures["command"] = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in values.items())
    write(figures, options.output)
    print(memory_verdict(figures["samples"]))
    print("\n".join(figures["drift"]) or "No drift.")
    print(f"report: {options.output / 'soak.md'}")
    return 1 if figures["drift"] else 0


def write(figures: Mapping[str, Any], output: Path) -> None:
    """Write the figures, and the report that is made of nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    text = orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS)
    (output / "soak.json").write_bytes(text)
    write_report(orjson.loads(text), output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Sizes()
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--per-second", type=float, default=usual.per_second, help="operations")
    parser.add_argument("--population", type=int, default=usual.population, help="about so many credentials")
    parser.add_argument("--overlap", type=int, default=usual.overlap, help="seconds that a previous key stays at most")
    parser.add_argument("--every", type=float, default=usual.every, help="seconds from sample to sample")
    parser.add_argument("--quiet", type=float, default=usual.quiet, help="seconds in which nothing may be written")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--output", type=Path, default=REPORT, help="a folder; default: docs/performance")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
