"""Memory of the operator by the number of credentials, and what other people's Secrets add to it."""

from __future__ import annotations

import asyncio
import os

from bench.load import burst, credential_job
from bench.measuring import memory_of, settled, until_through
from bench.section import Asked, Raw, Section, Shown
from bench.stage import Stage
from bench.svg import lines
from bench.tables import table
from bench.writer import all_at_once, writer


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return the memory after each growth, after a restart, and beside foreign Secrets."""
    namespace, sizes = stage.fresh("memory"), wanted.sizes
    grown, restarted = {}, {}
    with stage.operator([namespace]) as operator:
        there = 0
        for count in sorted(sizes.memory):
            if count > there:
                asyncio.run(_grow(stage, namespace, there, count))
            there = count
            settled(operator.pid)
            grown[str(count)] = memory_of(operator.pid)
            print(f"  memory at {count}: {grown[str(count)]['resident']:.0f} MiB resident", flush=True)
    with stage.operator([namespace]) as operator:
        until_through(operator, there)
        settled(operator.pid)
        restarted[str(there)] = before = memory_of(operator.pid)
        asyncio.run(_foreign(stage, namespace, sizes.foreign, sizes.foreign_kib))
        settled(operator.pid)
        beside = memory_of(operator.pid)
    with stage.operator([namespace]) as operator:
        until_through(operator, there)
        settled(operator.pid)
        afterwards = memory_of(operator.pid)
    foreign: dict[str, object] = {"count": sizes.foreign, "kib": sizes.foreign_kib, "at": there}
    foreign |= {"before": before, "beside": beside, "restarted beside": afterwards}
    return {"grown": grown, "restarted": restarted, "foreign": foreign}


async def _grow(stage: Stage, namespace: str, there: int, count: int) -> None:
    async with writer(stage.plane) as to:
        await burst(to, credential_job(), namespace, count - there, word=f"grown-{count}")


async def _foreign(stage: Stage, namespace: str, count: int, kib: int) -> None:
    async with writer(stage.plane) as to:
        value = os.urandom(kib * 1024)
        await all_at_once(
            lambda where, name: to.secret(where, name, {"value": value}),
            namespace,
            [f"foreign-{n}" for n in range(count)],
            8,
        )


def shown(raw: Raw) -> Shown:
    """Return the table, and memory by number of credentials."""
    rows = [[f"{int(count):,} credentials", *_cells(memory)] for count, memory in raw["grown"].items()]
    rows += [[f"{int(count):,}, after a restart", *_cells(memory)] for count, memory in raw["restarted"].items()]
    foreign = raw["foreign"]
    rows.append([f"and {foreign['count']:,} foreign Secrets of {foreign['kib']} KiB", *_cells(foreign["beside"])])
    rows.append(["the same, after a restart", *_cells(foreign["restarted beside"])])
    series = {
        kind: [(float(count), memory[kind]) for count, memory in raw["grown"].items()]
        for kind in ("resident", "private")
    }
    plot = lines("Memory of the operator", "credentials", "MiB", series)
    return Shown(table(["", "resident MiB", "proportional MiB", "private MiB"], rows), {"memory.svg": plot})


def _cells(memory: Raw) -> list[str]:
    return [f"{memory[kind]:.0f}" for kind in ("resident", "proportional", "private")]


SECTION = Section("Memory", "15 minutes", measure, shown)
