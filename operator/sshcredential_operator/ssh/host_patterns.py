"""Patterns of host names (ssh_config(5), PATTERNS): pure, and quick whatever the pattern.

Used for the hosts of known_hosts lines and the principals of host certificates.
"""

from __future__ import annotations

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
    """Tell whether a pattern with `*` and `?` matches the whole name. The leftmost place for each piece is enough."""
    first, *others = pattern.split("*")
    if not others:
        return _same(first, name)
    *middle, last = others
    at, end = len(first), len(name) - len(last)
    if at > end or not (_same(first, name[:at]) and _same(last, name[end:])):
        return False
    for piece in middle:
        at = _place(piece, name, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _place(piece: str, name: str, start: int, end: int) -> int:
    if "?" not in piece:
        return name.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((at for at in places if _same(piece, name[at : at + len(piece)])), -1)


def _same(piece: str, part: str) -> bool:
    return len(piece) == len(part) and all(p in ("?", c) for p, c in zip(piece, part, strict=True))
