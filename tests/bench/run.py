"""`make bench`: bursts of credentials beside the floor of the same run, in the order floor, operator, operator, floor.

The floor is a bare writer over 32 connections that POSTs the object, POSTs a Secret of 2 KiB and PATCHes the status. No
figure decides anything; compare ratios, since machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cost import Cost, cost_of
from bench.stage import control_plane, percentile, working_operator
from bench.writer import Writer, all_at_once, writer
from controlplane.plane import ControlPlane
from operators.process import OperatorProcess


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst: seconds from the first POST to the last object Ready, and how long single ones waited."""

    seconds: float
    waits: tuple[float, ...] = ()
    operator_cpu: float = 0.0
    apiserver_cpu: float = 0.0


async def floor(plane: ControlPlane, namespace: str, count: int) -> Burst:
    """Write everything without an operator."""
    before = cost_of(plane.daemons["apiserver"].pid)
    async with writer(plane) as to:
        begun = time.monotonic()
        await all_at_once(to.floor, namespace, [f"floor-{n}" for n in range(count)])
        seconds = time.monotonic() - begun
    return Burst(seconds, apiserver_cpu=cost_of(plane.daemons["apiserver"].pid).cpu - before.cpu)


async def burst(plane: ControlPlane, operator: OperatorProcess, namespace: str, count: int) -> Burst:
    """Create all credentials at once and wait until the last one is Ready."""
    apiserver, process = cost_of(plane.daemons["apiserver"].pid), cost_of(operator.pid)
    created: dict[str, float] = {}
    ready: dict[str, float] = {}
    async with writer(plane) as to:
        watching = asyncio.create_task(_until_ready(to, namespace, count, ready))
        begun = time.monotonic()

        async def create(where: str, name: str) -> None:
            created[name] = time.monotonic()
            await to.credential(where, name)

        await all_at_once(create, namespace, [f"credential-{n}" for n in range(count)])
        await watching
    return Burst(
        max(ready.values()) - begun,
        tuple(ready[name] - created[name] for name in created),
        cost_of(operator.pid).cpu - process.cpu,
        cost_of(plane.daemons["apiserver"].pid).cpu - apiserver.cpu,
    )


async def _until_ready(to: Writer, namespace: str, count: int, ready: dict[str, float]) -> None:
    async for name, moment in to.watch_ready(namespace):
        ready[name] = moment
        if len(ready) == count:
            return


async def one_by_one(plane: ControlPlane, namespace: str, count: int) -> list[float]:
    """Create single credentials on an idle system; return how long each took to be Ready."""
    waits = []
    async with writer(plane) as to:
        seen = to.watch_ready(namespace)
        for n in range(count):
            begun = time.monotonic()
            await to.credential(namespace, f"single-{n}")
            async for name, moment in seen:
                if name == f"single-{n}":
                    waits.append(moment - begun)
                    break
    return waits


def measure(plane: ControlPlane, folder: Path, count: int, singles: int) -> None:
    """Run everything and print the tables."""
    workspaces = ["bench-a", "bench-b", "singles"]
    with working_operator(plane, folder, workspaces, others=["floor-a", "floor-b"]) as operator:
        idle = cost_of(operator.pid)
        asyncio.run(floor(plane, "singles", 100))  # warms caches and connections; counted nowhere
        floors = [asyncio.run(floor(plane, "floor-a", count))]
        bursts = [asyncio.run(burst(plane, operator, name, count)) for name in ("bench-a", "bench-b")]
        floors.append(asyncio.run(floor(plane, "floor-b", count)))
        alone = asyncio.run(one_by_one(plane, "singles", singles))
        report(count, floors, bursts, alone, (idle, cost_of(operator.pid)))


def report(
    count: int, floors: Sequence[Burst], bursts: Sequence[Burst], alone: Sequence[float], memory: tuple[Cost, Cost]
) -> None:
    """Print what was measured as Markdown."""
    floor_seconds = statistics.mean(run.seconds for run in floors)
    print(f"\n{count} Ed25519 credentials at once; floor {count / floor_seconds:.0f} objects/s\n")
    print("| run | s | times floor | operator CPU s per 1,000 | API server CPU s per 1,000 | p50 s | p99 s |")
    print("|---|---|---|---|---|---|---|")
    for name, run in zip(("floor", "operator", "operator", "floor"), (floors[0], *bursts, floors[1]), strict=True):
        cells = [name, f"{run.seconds:.2f}", f"{run.seconds / floor_seconds:.2f}"]
        cells += [f"{run.operator_cpu / count * 1000:.2f}", f"{run.apiserver_cpu / count * 1000:.2f}"]
        cells += [f"{percentile(run.waits, 50):.3f}", f"{percentile(run.waits, 99):.3f}"] if run.waits else ["", ""]
        print("| " + " | ".join(cells) + " |")
    ratio = statistics.mean(run.seconds for run in bursts) / floor_seconds
    print(f"\nratio: {ratio:.2f} times the floor")
    if alone:
        middle = 1000 * percentile(alone, 50)
        print(f"single creates on an idle system ({len(alone)}): p50 {middle:.0f} ms, worst {1000 * max(alone):.0f} ms")
    print(
        f"operator memory: {memory[0].resident:.0f} MiB resident ({memory[0].proportional:.0f} proportional) idle, "
        f"{memory[1].resident:.0f} ({memory[1].proportional:.0f}) with {2 * count + len(alone)} credentials"
    )


def main(arguments: Sequence[str]) -> None:
    """Start a control plane of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="credentials per burst (default 1000)")
    parser.add_argument("--singles", type=int, default=50, help="credentials created one by one (default 50)")
    options = parser.parse_args(arguments)
    with control_plane() as (plane, folder):
        measure(plane, folder, options.count, options.singles)


if __name__ == "__main__":
    main(sys.argv[1:])
