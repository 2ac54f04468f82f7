"""Watches the processes that a program starts, in /proc, as anybody else on the machine could."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path


def children_of(pid: int) -> set[int]:
    """Return the ids of its main thread's children; those that ended and wait to be collected count."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def limits_of(pid: int) -> dict[str, tuple[str, str]]:
    """Return the soft and the hard limits of a process by their names in /proc."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): (line[26:47].strip(), line[47:68].strip()) for line in lines}


def is_running(pid: int) -> bool:
    """Tell whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


class Children:
    """The children that this process has got since the watch began."""

    def __init__(self) -> None:
        self._before = children_of(os.getpid())

    def now(self) -> set[int]:
        return children_of(os.getpid()) - self._before


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; half a minute is for ever."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)
