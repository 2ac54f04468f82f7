"""One list that is under way, and the words for it. Used by `shell.py`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from sshcredential_operator.controller.store import Kind, Scope


class Listing:
    """One list that is under way: what was known before, and what it has shown so far."""

    __slots__ = ("before", "kind", "scope", "seen")

    def __init__(self, kind: Kind, scope: Scope, before: Iterable[Hashable]) -> None:
        self.kind, self.scope = kind, scope
        self.before = frozenset(before)
        self.seen: set[Hashable] = set()


def words(scope: Scope) -> str:
    """Return a scope for people."""
    return scope or "all namespaces"


def list_of(kind: Kind, scope: Scope) -> str:
    """Return what a list is of, for people."""
    return f"{kind.value} in {words(scope)}"
