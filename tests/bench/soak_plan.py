"""What a soak does, one operation after the other, drawn by a seed: create, rotate, delete. Pure; used by `soak_load`.

The population stays within a twentieth of what is wanted. No name comes back.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

IMPORTED: Final = "imported"
SOURCES: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "Ed25519": (80, {"generate": {"algorithm": "Ed25519"}}),
    "ECDSA": (12, {"generate": {"algorithm": "ECDSA"}}),
    "RSA": (2, {"generate": {"algorithm": "RSA"}}),
    IMPORTED: (6, {}),
}
"""Weight and spec of each; an imported one's spec names its Secret."""


class Place(NamedTuple):
    """Where a credential lies."""

    namespace: str
    name: str


class Kind(StrEnum):
    """What is done."""

    CREATE = "create"
    ROTATE = "rotate"
    DELETE = "delete"


class Operation(NamedTuple):
    """One operation. `overlap` is in seconds, and both it and `source` are those of the credential."""

    kind: Kind
    place: Place
    source: str
    overlap: int


def operations(seed: int, workspaces: Sequence[str], population: int, overlap: int) -> Iterator[Operation]:
    """Yield as many creates as make the population, and after them operations without end."""
    draw = random.Random(seed)
    living: list[Operation] = []
    number = 0
    while True:
        kind = Kind.CREATE if number < population else _kind(draw, len(living), population)
        if kind is Kind.CREATE:
            place = Place(draw.choice(workspaces), f"soak-{number}")
            source = draw.choices(list(SOURCES), [weight for weight, _ in SOURCES.values()])[0]
            living.append(Operation(kind, place, source, draw.choice((0, overlap // 2, overlap))))
            number += 1
            yield living[-1]
            continue
        chosen = draw.randrange(len(living))
        yield living[chosen]._replace(kind=kind)
        if kind is Kind.DELETE:
            living[chosen] = living[-1]
            living.pop()


def _kind(draw: random.Random, living: int, population: int) -> Kind:
    kind = draw.choice(list(Kind))
    slack = max(1, population // 20)
    if kind is Kind.CREATE and living >= population + slack:
        return Kind.DELETE
    if kind is Kind.DELETE and living <= population - slack:
        return Kind.CREATE
    return kind
