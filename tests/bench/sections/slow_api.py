"""A slow API server, and one that admits few requests at once: does the work get through, and how fast?"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.asked import asked, without_leases
from bench.load import burst, credential_job, one_by_one
from bench.section import Asked, Raw, Section, Shown
from bench.slow_line import SlowLine
from bench.stage import USER, Stage, control_plane, percentile
from bench.tables import each, ms, table
from bench.writer import CONNECTIONS, all_at_once, writer

LIMITS: Final = ("--max-requests-inflight=4", "--max-mutating-requests-inflight=2")
"""Shared by everybody but the administrator, so that the operator gets a part of it and is told to wait."""


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return a burst through a slow line, with the floor through the same, and one at a limited API server."""
    count, delay = wanted.sizes.slow, wanted.sizes.slow_ms / 1000
    with SlowLine(stage.plane.server, delay) as line:
        slow = {"floor": floor(stage, line.server, count), "operator": through(stage, line.server, count)}
    print(f"  {count} with {delay:.1f} s of delay: {slow['operator']['seconds']:.1f} s", flush=True)
    with control_plane(LIMITS) as (plane, folder):
        limited = through(Stage(plane, folder), None, count)
    print(f"  {count} at a limited API server: {limited['seconds']:.1f} s", flush=True)
    return {"count": count, "ms": wanted.sizes.slow_ms, "slow": slow, "limited": limited, "limits": LIMITS}


def floor(stage: Stage, server: str, count: int) -> Raw:
    """Write everything without an operator, the same way."""
    namespace = stage.fresh("slow-floor")

    async def write() -> float:
        async with writer(stage.plane, server=server) as to:
            begun = time.monotonic()
            await all_at_once(to.floor, namespace, [f"floor-{n}" for n in range(count)], CONNECTIONS)
            return time.monotonic() - begun

    return {"seconds": asyncio.run(write())}


def through(stage: Stage, server: str | None, count: int) -> Raw:
    """Let the operator go this way, and give it a burst; who creates and watches does not."""
    namespace = stage.fresh("slow")

    async def load() -> Raw:
        async with writer(stage.plane) as to:
            await one_by_one(to, credential_job(), namespace, 1)
            loaded = await burst(to, credential_job(), namespace, count)
            return {"seconds": loaded.seconds, "waits": loaded.waits}

    with stage.operator([namespace], server=server) as operator:
        mark = stage.plane.audit_mark()
        found = asyncio.run(load())
        text = operator.get("/metrics")[1]
    refused = sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if 'code="429"' in line)
    return {**found, "requests": without_leases(asked(stage.plane, mark, USER)), "refused": refused}


def shown(raw: Raw) -> Shown:
    """Return the table."""
    slow, count = raw["slow"], raw["count"]
    rows = [
        [f"floor, {raw['ms']:g} ms more for each answer", f"{slow['floor']['seconds']:.1f}", "", "", "", ""],
        [f"this operator, {raw['ms']:g} ms more for each answer", *_cells(slow["operator"], count)],
        [
            f"this operator, API server with {' '.join(f'`{limit}`' for limit in raw['limits'])}",
            *_cells(raw["limited"], count),
        ],
    ]
    return Shown(
        table([f"{count:,} at once", "s", "p50 ms", "p99 ms", "told to wait (429)", "requests for each"], rows)
    )


def _cells(run: Raw, count: int) -> list[str]:
    tails = [ms([percentile(run["waits"], percent)]) for percent in (50, 99)]
    return [f"{run['seconds']:.1f}", *tails, f"{run['refused']:.0f}", each(run["requests"], count)]


SECTION = Section("A slow API server, and a limited one", "2 to 4 minutes", measure, shown)
