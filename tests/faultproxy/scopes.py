"""Who is behind a request, and what happens to it: one scope for each operator that goes through the proxy.

An operator with a scope of its own reaches the proxy under a path of its own, so that many of them share one proxy and
one API server. Used by `proxy`; tests give the scopes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Final, Protocol

from faultproxy.rules import Fault, RulesInForce

_SCOPED: Final = re.compile(r"/scopes/([^/]+)(/.*)")
_ADDRESS: Final = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+))?(?:/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[^/]+))?)?)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What a path of the Kubernetes API names. All parts are empty where there is none."""

    group: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    part: str = ""
    """The subresource."""

    @classmethod
    def of(cls, path: str) -> Address:
        """Read a path without its query."""
        match = _ADDRESS.fullmatch(path)
        found = {key: value or "" for key, value in match.groupdict().items()} if match else {}
        if found and found["namespace"] and not found["resource"]:  # the namespace itself
            found |= {"resource": "namespaces", "name": found["namespace"], "namespace": ""}
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it comes from an operator. `raw` is path and query as they were written."""

    method: str
    path: str
    query: Mapping[str, str]
    raw: str
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)
    """When it came."""

    @property
    def watch(self) -> bool:
        """Whether it asks for a watch."""
        return "watch" in self.query

    @property
    def address(self) -> Address:
        """What it is about."""
        return Address.of(self.path)


class Scope(Protocol):
    """Decides what goes wrong for one operator. It is asked in the proxy's thread, and must not wait."""

    def strike(self, kinds: type | UnionType, asked: Asked, event: bytes = b"") -> Fault | None:
        """Return the fault of one of these kinds that happens now, if any; `event` is a line of a watch."""
        ...

    def happens(self, what: str) -> None:
        """Let happen what a `Happening` names."""

    def answered(self, asked: Asked, code: int, content: bytes) -> None:
        """Hear what the API server answered; of a watch, only that it begins."""

    def ended(self, asked: Asked) -> None:
        """Hear that nothing more comes of a request."""


class Everybody:
    """The scope of all who have none: they go by rules."""

    def __init__(self, rules: RulesInForce) -> None:
        self.rules = rules

    def strike(self, kinds: type | UnionType, asked: Asked, event: bytes = b"") -> Fault | None:  # noqa: ARG002 - as declared
        """Go by the rules."""
        return self.rules.strike(kinds, asked.method, asked.path, watch=asked.watch)

    def happens(self, what: str) -> None:
        """Do nothing: rules know of nothing that happens."""

    def answered(self, asked: Asked, code: int, content: bytes) -> None:
        """Keep nothing."""

    def ended(self, asked: Asked) -> None:
        """Keep nothing."""


def scoped(raw: str) -> tuple[str, str]:
    """Return the name of the scope, empty for none, and what is asked of the API server."""
    match = _SCOPED.fullmatch(raw)
    return (match[1], match[2]) if match else ("", raw)


def prefix(name: str) -> str:
    """Return what the paths of a scope begin with."""
    return f"/scopes/{name}"
