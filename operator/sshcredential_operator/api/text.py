"""The shape of a text in the catalogue. Used by the modules that hold the texts."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What is so, and what to do. Both may hold `{fact}` places."""

    says: str
    do: str = ""
