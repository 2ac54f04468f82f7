"""Arrivals at a steady rate, and single creates on an idle system: how long each waits, by our watcher's clock."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.contenders import Contender
from bench.load import Loaded, arrivals, one_by_one
from bench.measuring import settled
from bench.section import Asked, Raw, Section, Shown
from bench.stage import Stage, percentile
from bench.svg import lines
from bench.tables import ms, table
from bench.writer import writer

LEAST: Final = 20
"""Arrivals at least, however slow the rate is."""


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return the waits of every contender at every rate."""
    runs: dict[str, list[Raw]] = {contender.name: [] for contender in wanted.contenders}
    for _ in range(wanted.rounds):
        for contender in [*wanted.contenders, *reversed(wanted.contenders)]:
            runs[contender.name].append(one_run(stage, contender, wanted))
            print(f"  arrivals, {contender.name}: done", flush=True)
    return {"runs": runs}


def one_run(stage: Stage, contender: Contender, wanted: Asked) -> Raw:
    """Start a contender for a namespace of its own; first single creates, then every rate, from the slowest on."""
    namespace = stage.fresh("arrival")
    with contender.running(stage, [namespace]) as pid:

        async def load() -> Raw:
            async with writer(stage.plane) as to:
                await arrivals(to, contender.job, namespace, 999, 0.01)  # it is ready then, and warm
                settled(pid)
                found: dict[str, Loaded] = {
                    "singles": await one_by_one(to, contender.job, namespace, wanted.sizes.singles)
                }
                for rate in wanted.sizes.rates:
                    settled(pid)
                    seconds = max(wanted.sizes.rate_seconds, LEAST / rate)
                    found[f"{rate:g}"] = await arrivals(to, contender.job, namespace, rate, seconds)
                return {what: loaded.waits for what, loaded in found.items()}

        return asyncio.run(load())


def shown(raw: Raw) -> Shown:
    """Return the table, and a plot of the medians and the 99th percentiles."""
    rows, series = [], {}
    for name, runs in raw["runs"].items():
        for what in runs[0]:
            waits = [run[what] for run in runs]
            how = "one by one, idle" if what == "singles" else f"{what} per second"
            tails = [ms([percentile(w, percent) for w in waits]) for percent in (50, 99)]
            rows.append([name, how, len(waits[0]), *tails, ms([max(w) for w in waits])])
        for percent in (50, 99):
            points = [(float(rate), _ms(runs, rate, percent)) for rate in runs[0] if rate != "singles"]
            series[f"{name}, p{percent}"] = points
    head = ["", "created", "objects in a run", "p50 ms", "p99 ms", "worst ms"]
    plot = lines("Create to Ready, by rate of arrival", "created per second", "ms", series)
    return Shown(table(head, rows), {"arrival.svg": plot})


def _ms(runs: list[Raw], rate: str, percent: int) -> float:
    return 1000 * percentile([percentile(run[rate], percent) for run in runs], 50)


SECTION = Section("Create to Ready at a steady rate", "10 to 15 minutes", measure, shown)
