"""One list that is under way, and the words for it. Used by `shell.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sshcredential_operator.api.names import CredentialKey, ExportKey
from sshcredential_operator.controller.store import Kind, Scope

Named = TypeVar("Named", CredentialKey, ExportKey)


class Listing:
    """One list that is under way: what was known before, and what it has shown so far."""

    __slots__ = ("before", "kind", "scope", "seen")

    def __init__(self, kind: Kind, scope: Scope, before: Iterable[CredentialKey | ExportKey]) -> None:
        self.kind, self.scope = kind, scope
        self.before = frozenset(before)
        self.seen: set[CredentialKey | ExportKey] = set()


def keys_of(kind: type[Named], keys: Iterable[CredentialKey | ExportKey]) -> frozenset[Named]:
    """Return the keys of one kind."""
    return frozenset(key for key in keys if isinstance(key, kind))


def words(scope: Scope) -> str:
    """Return a scope for people."""
    return scope or "all namespaces"


def list_of(kind: Kind, scope: Scope) -> str:
    """Return what a list is of, for people."""
    return f"{kind.value} in {words(scope)}"
