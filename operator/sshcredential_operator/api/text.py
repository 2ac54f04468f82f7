"""The shape of a text in the catalogues, and how facts come into it. Used by the modules that hold the texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

MESSAGE_LIMIT: Final = 1024
"""Longest message in UTF-8 bytes (invariant of statuses and events)."""


class Text(NamedTuple):
    """What is so, and what to do. Both may hold `{fact}` places."""

    says: str
    do: str = ""


class _Facts(dict[str, str | int]):
    """Facts to fill in. Another process may have left one out; that is no reason to say nothing at all."""

    def __missing__(self, name: str) -> str:
        return "(unknown)"


def filled(text: Text, facts: Mapping[str, str | int] | None) -> str:
    """Return a text with its facts filled in, at most 1,024 bytes of UTF-8."""
    template = f"{text.says} {text.do}".strip()
    return template.format_map(_Facts(facts or {})).encode()[:MESSAGE_LIMIT].decode(errors="ignore")
