"""What processes cost: CPU seconds and memory, as /proc tells them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """CPU in seconds since the process began, and memory in MiB."""

    cpu: float
    resident: float
    proportional: float
    """What is shared is divided among those who share it."""
    private: float
    """What would be free if the process ended."""


def cost_of(pid: int, *, alone: bool = False) -> Cost:
    """Return what a process, alone or with its descendants, has cost so far."""
    family = [pid] if alone else [pid, *_descendants(pid)]
    ticks = os.sysconf("SC_CLK_TCK")
    cpu = sum(sum(int(field) for field in _stat(p)[11:13]) for p in family) / ticks
    rolled_up = [_memory(p) for p in family]
    private = sum(one["Private_Clean"] + one["Private_Dirty"] for one in rolled_up)
    return Cost(cpu, sum(one["Rss"] for one in rolled_up), sum(one["Pss"] for one in rolled_up), private)


def handles_of(pid: int) -> tuple[int, int]:
    """Return the open file descriptors and the threads of a process alone."""
    files, threads = (len(list(Path(f"/proc/{pid}/{what}").iterdir())) for what in ("fd", "task"))
    return files, threads


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _descendants(pid: int) -> list[int]:
    children = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [deeper for child in children for deeper in _descendants(child)]
