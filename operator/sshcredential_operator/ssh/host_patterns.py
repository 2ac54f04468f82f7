"""Patterns of host names (ssh_config(5), PATTERNS): pure, and quick whatever the pattern.

Used for the hosts of known_hosts lines and the principals of host certificates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MAX_PATTERN: Final = 1022
"""What is longer ends the list without a match, as in ssh."""


def list_matches(patterns: str, name: str) -> bool:
    """Tell whether a name in lower case is in a list: some pattern matches, and none of those that begin with `!`."""
    found = False
    for pattern in patterns.lower().split(","):
        wanted = pattern.removeprefix("!")
        if len(wanted) > MAX_PATTERN:
            return False
        if matches(wanted, name):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern with `*` and `?` matches the whole name.

    Bit n of `reached` tells that what was read of the pattern matches the first n letters: one step for each of its
    characters, so that no pattern takes long.
    """
    places, end = _places(name), 1 << len(name)
    reached = 1
    for character in pattern:
        if character == "*":
            reached = (2 * end - 1) & -(reached & -reached)  # all from the lowest on
        elif character == "?":
            reached = reached << 1 & (2 * end - 1)
        else:
            reached = (reached & places.get(character, 0)) << 1
        if not reached:
            return False
    return bool(reached & end)


@lru_cache(maxsize=64)
def _places(name: str) -> dict[str, int]:
    """Return where each letter stands in a name, as bits."""
    places: dict[str, int] = {}
    for index, letter in enumerate(name):
        places[letter] = places.get(letter, 0) | 1 << index
    return places
