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


def cost_of(pid: int) -> Cost:
    """Return what a process and its descendants have cost so far."""
    family = [pid, *_descendants(pid)]
    ticks = os.sysconf("SC_CLK_TCK")
    cpu = sum(sum(int(field) for field in _stat(p)[11:13]) for p in family) / ticks
    return Cost(cpu, sum(_memory(p, "Rss:") for p in family), sum(_memory(p, "Pss:") for p in family))


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _memory(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _descendants(pid: int) -> list[int]:
    children = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [deeper for child in children for deeper in _descendants(child)]
