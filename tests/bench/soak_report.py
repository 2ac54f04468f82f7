"""The report of a soak: Markdown and two plots, made of the figures alone. Called by `soak`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.asked import without_leases, writes
from bench.soak_samples import last_two_thirds, slope
from bench.stage import percentile
from bench.svg import over_time
from bench.tables import each, table

MEMORY: Final = "soak-memory.svg"
WAITS: Final = "soak-waits.svg"
LONG_ENOUGH: Final = 10
"""Minutes; a slope of less time says little."""

Figures = Mapping[str, Any]

HEAD: Final = """\
# Performance: a run of `make soak`

Made by `make soak` from `soak.json` beside it; [README.md](README.md#soak) tells what is measured. To repeat it:

```sh
make soak ARGS='{command}'
```

| | |
|---|---|
| date | {date} |
| machine | {cpu}, {cpus} processors, {memory}, {system} |
| load average before, after | {before}; {after} |
| commit | {commit} |
| versions | Python {python}, {libraries} |
| operator runs | {operators} |
"""


def write_report(figures: Figures, output: Path) -> None:
    """Write `soak.md` and the plots."""
    machine = figures["machine"]
    known = {
        **machine,
        "libraries": ", ".join(f"{name} {number}" for name, number in machine["libraries"].items()),
        "before": " ".join(map(str, machine["load"])),
        "after": " ".join(map(str, figures["load after"])),
    }
    head = HEAD.format(**known, command=figures["command"], operators=figures["operators"])
    (output / MEMORY).write_text(_memory_plot(figures))
    (output / WAITS).write_text(_waits_plot(figures))
    pictures = f"![Memory over time]({MEMORY})\n![Waits over time]({WAITS})\n"
    parts = [head, _drift(figures), "## Memory\n", f"{memory_verdict(figures['samples'])}\n", _memory(figures)]
    parts += [pictures, "## Operations and waits\n", _operations(figures), _minutes(figures), _requests(figures)]
    (output / "soak.md").write_text("\n".join(parts))


def memory_verdict(samples: Sequence[dict[str, Any]]) -> str:
    """Return the slope of private memory over the last two thirds as a plain sentence."""
    late = last_two_thirds(samples)
    try:
        by_time = slope([(one["at"] / 3600, one["private"]) for one in late])
        by_operations = slope([(one["operations"] / 1000, one["private"] * 1024) for one in late])
    except ValueError:
        return "Private memory: too few samples for a line."
    minutes = (late[-1]["at"] - late[0]["at"]) / 60
    flat = "is flat, as far as this run can tell (its line cannot be told from a level one)"
    moves = "rises" if by_time.rise > 0 else "falls"
    sentence = (
        f"Private memory {flat if by_time.is_flat else moves} over the last two thirds ({minutes:.1f} minutes): "
        f"{by_time.rise:+.2f} MiB per hour (standard error {by_time.error:.2f}), "
        f"{by_operations.rise:+.1f} KiB per 1,000 operations (standard error {by_operations.error:.1f})."
    )
    if minutes < LONG_ENOUGH:
        sentence += f" So short a run says little about memory: it takes {LONG_ENOUGH} minutes and more."
    return sentence


def waits_by_minute(figures: Figures) -> dict[str, dict[int, list[float]]]:
    """Return the waits in milliseconds of each kind, by the minute in which they were asked for."""
    found: dict[str, dict[int, list[float]]] = {"create": {}, "rotate": {}}
    for kind, asked, seconds in figures["waits"]:
        found[kind].setdefault(int(asked // 60), []).append(1000 * seconds)
    return {kind: dict(sorted(minutes.items())) for kind, minutes in found.items()}


def _drift(figures: Figures) -> str:
    drift, quiet = figures["drift"], figures["quiet"]
    said = "\n".join(f"- {one}" for one in drift) if drift else "No drift."
    rows = [
        ["credentials at the end, each with its Secret opened", figures["credentials"]],
        ["sentences of drift", len(drift)],
        ["lines of the operator's log at ERROR", figures["errors"]],
        [f"writes in a quiet {quiet['seconds']:.0f} s, the Lease aside", writes(quiet["requests"])],
        ["requests in them, the Lease aside", each(without_leases(quiet["requests"]), 1)],
    ]
    return f"## Drift\n\n{said}\n\n{table(['', ''], rows)}"


def _memory(figures: Figures) -> str:
    samples = figures["samples"]
    thirds = [samples[0], samples[len(samples) // 3], samples[2 * len(samples) // 3], samples[-1]]
    head = [
        "minute",
        "private MiB",
        "resident MiB",
        "workers MiB",
        "files",
        "threads",
        "credentials",
        "queue",
        "audit log MiB",
    ]
    rows = [
        [
            f"{one['at'] / 60:.1f}",
            *(f"{one[part]:.1f}" for part in ("private", "resident", "workers")),
            *(f"{one[part]:.0f}" for part in ("files", "threads", "credentials", "queue")),
            f"{one['audit log']:.1f}",
        ]
        for one in thirds
    ]
    most = {part: max(one[part] for one in samples) for part in ("private", "workers", "files", "threads", "queue")}
    said = ", ".join(f"{part} {value:.5g}" for part, value in most.items())
    return f"{table(head, rows)}\nThe most in any sample: {said}.\n"


def _operations(figures: Figures) -> str:
    counts, first, last = figures["operations"], figures["samples"][0], figures["samples"][-1]
    number = sum(counts.values())
    rows = [
        ["operations while it was measured", ", ".join(f"{count} {kind}" for kind, count in counts.items())],
        ["not seen done before the credential was deleted", figures["cut short"]],
        ["per second, asked for and done", f"{figures['per second']:g}, {number / figures['seconds']:.2f}"],
        ["operator CPU s per 1,000 operations", f"{1000 * (last['cpu'] - first['cpu']) / max(1, number):.2f}"],
    ]
    return table(["", ""], rows)


def _minutes(figures: Figures) -> str:
    waits = waits_by_minute(figures)
    head = ["minute", "creates", "to Ready p50 ms", "p99 ms", "rotations", "to the new key p50 ms", "p99 ms"]
    rows = []
    for minute in sorted({minute for minutes in waits.values() for minute in minutes}):
        row: list[object] = [minute]
        for kind in ("create", "rotate"):
            found = waits[kind].get(minute, [])
            row += [len(found), *(f"{percentile(found, p):.0f}" if found else "-" for p in (50, 99))]
        rows.append(row)
    return table(head, rows)


def _requests(figures: Figures) -> str:
    counts: Counter[str] = Counter()
    for one in figures["samples"][1:]:
        counts.update(one["requests"])
    number = max(1, sum(figures["operations"].values()))
    text = f"Requests of the operator for each operation: {each(without_leases(counts), number)}"
    return f"{text}; of them writes: {writes(counts) / number:.2f}.\n"


def _memory_plot(figures: Figures) -> str:
    samples = figures["samples"]
    series = {part: [(one["at"] / 60, one[part]) for one in samples] for part in ("private", "resident", "workers")}
    return over_time("Memory of the operator in a soak", "minutes", "MiB", series)


def _waits_plot(figures: Figures) -> str:
    series = {
        f"{kind}, p{percent}": [(minute + 0.5, percentile(found, percent)) for minute, found in minutes.items()]
        for kind, minutes in waits_by_minute(figures).items()
        for percent in (50, 99)
    }
    return over_time("Create to Ready, and rotation to the new key, by minute", "minutes", "ms", series)
