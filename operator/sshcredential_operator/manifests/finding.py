"""What is wrong with a manifest or a file, and where. Made all over this package, shown by the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"


class Fault(NamedTuple):
    """Something wrong at a place in a value: a path of member names and indices."""

    path: tuple[str | int, ...]
    rule: str
    """Which kind of fault, as one word."""
    says: str
    """What is so and what to do, one sentence or two. It never holds a value of the file."""
    level: Level = Level.ERROR


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with its place in a file. Lines and documents count from 1; document 0 is the file as a whole."""

    file: str
    line: int
    rule: str
    says: str
    level: Level = Level.ERROR
    document: int = 0
    object: str = ""
    """`SSHCredential genomics/hpc-login`, or empty."""
    field: str = ""


def field_of(path: tuple[str | int, ...]) -> str:
    """Return a path as the API server writes it: `spec.knownHosts`, `items[0].metadata.labels[a.b/c]`."""
    return "".join(_steps(path)).removeprefix(".")


def _steps(path: tuple[str | int, ...]) -> Iterator[str]:
    for step in path:
        plain = isinstance(step, str) and step.replace("-", "").replace("_", "").isalnum()
        shown = step if isinstance(step, int) or step.isprintable() else ascii(step)
        yield f".{shown}" if plain else f"[{shown}]"
