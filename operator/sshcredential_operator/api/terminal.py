"""Texts that others wrote, as they are shown on a person's terminal. Used by `api/policy.py`, `client` and `cli`."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return a text as one line with nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def printable(name: str) -> str:
    """Return a name as it is, or in escapes where a terminal would obey it."""
    return name if name.isprintable() else ascii(name)
