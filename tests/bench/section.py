"""What a section of `make bench` is, and what it is asked to do. Used by `run.py` and by every section."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.contenders import Contender
from bench.stage import Stage

Raw = Mapping[str, Any]
"""Figures as they go into the JSON file."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. The defaults are what the goals speak of."""

    bursts: tuple[int, ...] = (1000, 10_000)
    floors: tuple[int, ...] = (1, 8, 32, 64)
    """Connections of the bare writer, for the smallest burst; the others are compared with 32."""
    rates: tuple[float, ...] = (1, 5, 20, 50)
    rate_seconds: float = 30
    singles: int = 50
    memory: tuple[int, ...] = (0, 1000, 10_000, 50_000)
    foreign: int = 2000
    foreign_kib: int = 512
    cold_start: tuple[int, ...] = (1000, 10_000)
    quiet: int = 10_000
    quiet_minutes: float = 10
    rotation: tuple[int, ...] = (1000, 10_000)
    rsa: int = 200
    slow: int = 1000
    slow_ms: float = 100


SMALL = Sizes(
    bursts=(20, 60),
    floors=(1, 32),
    rates=(5, 20),
    rate_seconds=3,
    singles=5,
    memory=(0, 20, 60),
    foreign=10,
    foreign_kib=64,
    cold_start=(20, 60),
    quiet=60,
    quiet_minutes=0.2,
    rotation=(20, 60),
    rsa=3,
    slow=60,
)
"""Enough to see everything work. Its figures say nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sections are asked to do. `rounds` is how often the order A B B A is gone through."""

    sizes: Sizes = field(default_factory=Sizes)
    rounds: int = 1
    contenders: tuple[Contender, ...] = ()


class Shown(NamedTuple):
    """A section's part of the report: Markdown, and plots by file name."""

    text: str
    plots: Mapping[str, str] = {}


class Section(NamedTuple):
    """One part of the benchmark. `takes` is about how long, with the default sizes, on two cores."""

    title: str
    takes: str
    measure: Callable[[Stage, Asked], Raw]
    shown: Callable[[Raw], Shown]
