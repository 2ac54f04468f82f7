"""Texts that others wrote, as they are shown on a person's terminal. Used by `client` and `cli`."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return a text as one line with nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
