"""Markdown tables of figures: median and range. Pure; used by the sections."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the range where there is one."""
    middle = f"{statistics.median(values):.{digits}f}"
    least, most = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return middle if least == most else f"{middle} ({least} to {most})"


def ms(values: Sequence[float]) -> str:
    """Return seconds as milliseconds."""
    return spread([1000 * value for value in values], 0)


def each(counts: Mapping[str, int], objects: int) -> str:
    """Return requests by verb and resource as so many for each object; what is rarer than one in a hundred goes."""
    rare = 0.01
    words = [f"{count / objects:.2f} {what}" for what, count in counts.items() if count / objects >= rare]
    return ", ".join(words) or "none"


def per_thousand(runs: Iterable[Mapping[str, Any]], part: str, count: int) -> str:
    """Return the CPU seconds of a part of the system for 1,000 objects."""
    found = [run["cpu"][part] / count * 1000 for run in runs if part in run["cpu"]]
    return spread(found) if found else "-"
