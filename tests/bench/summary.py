"""The short table: what the goals speak of, from whatever sections were run. Called by `report.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.asked import writes
from bench.sections.bursts import ratios_to_floor
from bench.sections.cold_start import reads
from bench.stage import percentile
from bench.tables import each, ms, per_thousand, spread, table

OURS: Final = "this operator"
Sections = Mapping[str, Mapping[str, Any]]


def summary(sections: Sections) -> str:
    """Return the table, beside the plain operator where that was measured."""
    rows = [row for name, part in _PARTS.items() if name in sections for row in part(sections[name]["raw"])]
    return "## In short\n\n" + table(["", OURS, "a plain Kopf operator"], rows) if rows else ""


def _bursts(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    for count, runs in raw["runs"].items():
        ratios = ratios_to_floor(runs, raw["floor"])
        yield [f"{int(count):,} at once: time over the floor", *_both(ratios, lambda found: f"{spread(found)} x")]
    count = max(raw["runs"], key=int)
    runs = raw["runs"][count]
    yield [
        "operator CPU s per 1,000 credentials",
        *_both(runs, lambda found: per_thousand(found, "operator", int(count))),
    ]
    yield ["requests for each", *_both(runs, lambda found: each(found[0]["requests"], int(count)))]
    yield ["of them writes", *_both(runs, lambda found: f"{writes(found[0]['requests']) / int(count):.2f}")]


def _arrival(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    for what in next(iter(raw["runs"].values()))[0]:
        words = "one create on an idle system" if what == "singles" else f"at {what} per second"

        def cell(found: Any, what: str = what) -> str:
            tails = [ms([percentile(run[what], percent) for run in found]) for percent in (50, 99)]
            return " / ".join([*tails, ms([max(run[what]) for run in found])])

        yield [f"{words}: p50 / p99 / worst ms", *_both(raw["runs"], cell)]


def _memory(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    counts = ", ".join(f"{int(count):,}" for count in raw["grown"])
    for kind in ("resident", "private"):
        found = ", ".join(f"{memory[kind]:.0f}" for memory in raw["grown"].values())
        yield [f"memory with {counts} credentials, MiB {kind}", found, ""]
    foreign = raw["foreign"]
    more = foreign["restarted beside"]["resident"] - foreign["before"]["resident"]
    yield [f"{foreign['count']:,} foreign Secrets of {foreign['kib']} KiB add, MiB", f"{more:.0f}", ""]


def _cold_start(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    count, tries = list(raw["starts"].items())[-1]
    found = f"{spread([one['through'] for one in tries], 1)} s, {spread(reads(tries), 0)} requests, "
    found += f"{max(one['writes for those that were there'] for one in tries)} writes"
    yield [f"start with {int(count):,}: all looked at, requests, writes", found, ""]


def _quiet(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    yield [f"{raw['minutes']:g} quiet minutes: writes, the Lease aside", str(writes(raw["requests"])), ""]


def _rotation(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    count, one = list(raw["rotations"].items())[-1]
    words = f"{one['seconds']:.0f} s, {one['writing']:.0f} of them writing, {each(one['requests'], int(count))}"
    yield [f"another workspace key for {int(count):,}", words, ""]


def _neighbours(raw: Mapping[str, Any]) -> Iterator[list[str]]:
    words = f"{ms([percentile(raw['beside'], 99)])} ms"
    yield [f"beside {raw['rsa']} RSA-4096 of a neighbour: p99", words, ""]


def _both(found: Mapping[str, Any], cell: Any) -> list[str]:
    return [cell(found[name]) if name in found else "" for name in (OURS, "a plain Kopf operator")]


_PARTS: Final = {
    "bursts": _bursts,
    "arrival": _arrival,
    "memory": _memory,
    "cold-start": _cold_start,
    "quiet": _quiet,
    "rotation": _rotation,
    "neighbours": _neighbours,
}
