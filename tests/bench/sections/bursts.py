"""Bursts: all at once, beside the floor of the same run, in the order A B B A. What each costs, and how it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from bench.asked import asked, without_leases
from bench.contenders import Contender
from bench.load import Loaded, burst, one_by_one
from bench.measuring import costs_between, memory_of, settled
from bench.section import Asked, Raw, Section, Shown
from bench.stage import Stage, percentile
from bench.svg import bars
from bench.tables import each, ms, per_thousand, spread, table
from bench.writer import CONNECTIONS, all_at_once, writer

FLOOR: Final = "floor, {} connections"
THE_FLOOR: Final = FLOOR.format(CONNECTIONS)

Turn = tuple[str, Callable[[], Raw]]


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return the runs of every contender and floor for every count."""
    floor(stage, 100, CONNECTIONS)  # warms caches and connections; counted nowhere
    found: dict[str, dict[str, list[Raw]]] = {}
    for count in wanted.sizes.bursts:
        connections = wanted.sizes.floors if count == min(wanted.sizes.bursts) else (CONNECTIONS,)
        turns = list(_turns(stage, wanted.contenders, count, connections))
        runs = found[str(count)] = {name: [] for name, _ in turns}
        for _ in range(wanted.rounds):
            for name, turn in [*turns, *reversed(turns)]:
                runs[name].append(turn())
                print(f"  {count} at once, {name}: {runs[name][-1]['seconds']:.2f} s", flush=True)
    return {"runs": found, "floor": THE_FLOOR}


def _turns(stage: Stage, contenders: Sequence[Contender], count: int, connections: Sequence[int]) -> Iterator[Turn]:
    for number in connections:
        yield FLOOR.format(number), partial(floor, stage, count, number)
    for contender in contenders:
        yield contender.name, partial(one_burst, stage, contender, count)


def floor(stage: Stage, count: int, connections: int) -> Raw:
    """Write everything without an operator."""
    namespace, before = stage.fresh("floor"), stage.costs()

    async def write() -> float:
        async with writer(stage.plane, connections) as to:
            begun = time.monotonic()
            await all_at_once(to.floor, namespace, [f"floor-{n}" for n in range(count)], connections)
            return time.monotonic() - begun

    seconds = asyncio.run(write())
    return {"seconds": seconds, "cpu": costs_between(before, stage.costs())}


def one_burst(stage: Stage, contender: Contender, count: int) -> Raw:
    """Start a contender for a namespace of its own, and give it a burst when it has done one object."""
    namespace = stage.fresh("burst")
    with contender.running(stage, [namespace]) as pid:

        async def load() -> tuple[Loaded, Mapping[str, Any]]:
            async with writer(stage.plane) as to:
                await one_by_one(to, contender.job, namespace, 1)  # it is ready then, and has made what it makes once
                settled(pid)
                mark, before = stage.plane.audit_mark(), stage.costs(pid)
                loaded = await burst(to, contender.job, namespace, count)
                settled(pid)
                after = stage.costs(pid)
                requests = without_leases(asked(stage.plane, mark, contender.user))
                cost = {"cpu": costs_between(before, after), "requests": requests, "memory": memory_of(pid)}
                return loaded, cost

        loaded, cost = asyncio.run(load())
    return {"seconds": loaded.seconds, "waits": loaded.waits, **cost}


def shown(raw: Raw) -> Shown:
    """Return tables and plots."""
    texts, plots = [], {}
    for count, runs in raw["runs"].items():
        ratios = ratios_to_floor(runs, raw["floor"])
        texts.append(f"**{int(count):,} at once**\n\n{_table(int(count), runs, ratios)}")
        values = {name: _middle(ratio) for name, ratio in ratios.items()}
        title = f"{int(count):,} at once: time, as a multiple of the floor with {CONNECTIONS} connections"
        plots[f"burst-{count}.svg"] = bars(title, "x", values)
    texts.append(_growth(raw))
    return Shown("\n".join(texts), plots)


def ratios_to_floor(runs: Mapping[str, Sequence[Raw]], floor_name: str) -> dict[str, list[float]]:
    """Return every run's time over the median time of the floor of the same run."""
    base = _middle([run["seconds"] for run in runs[floor_name]])
    return {name: [run["seconds"] / base for run in each_run] for name, each_run in runs.items()}


def _table(count: int, runs: Mapping[str, Sequence[Raw]], ratios: Mapping[str, list[float]]) -> str:
    head = ["", "s", "times floor", "wait p50 ms", "p99 ms", "worst ms", "operator CPU s per 1,000"]
    head += ["API server", "etcd", "requests for each"]
    rows = []
    for name, done in runs.items():
        waits = [run["waits"] for run in done if "waits" in run]
        tails = (
            [ms([percentile(w, p) for w in waits]) for p in (50, 99)] + [ms([max(w) for w in waits])] if waits else []
        )
        cells = [name, spread([run["seconds"] for run in done]), spread(ratios[name]), *(tails or ["", "", ""])]
        cells += [per_thousand(done, part, count) for part in ("operator", "apiserver", "etcd")]
        rows.append([*cells, each(done[0]["requests"], count) if "requests" in done[0] else ""])
    return table(head, rows)


def _growth(raw: Raw) -> str:
    counts = sorted(raw["runs"], key=int)
    least, most = counts[0], counts[-1]
    if least == most:
        return ""
    rows = []
    for name in raw["runs"][most]:
        few, many = (_middle([run["seconds"] for run in raw["runs"][c][name]]) / int(c) * 1000 for c in (least, most))
        rows.append([name, f"{few:.2f}", f"{many:.2f}", f"{many / few:.2f}"])
    head = ["growth: s per 1,000", f"at {int(least):,}", f"at {int(most):,}", "ratio"]
    return table(head, rows)


def _middle(values: Sequence[float]) -> float:
    return percentile(values, 50)


SECTION = Section("Bursts", "20 to 40 minutes, most of it for the plain operator's 10,000", measure, shown)
