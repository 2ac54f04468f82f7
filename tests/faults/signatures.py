"""What a request is, whichever run it belongs to: the same step of an operation has the same signature every time.

Names that differ from run to run (namespaces, uids, ids of keys) are told by what they stand for. Pure; used by `scope`
to know a request again, and by `plans` to say which one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from faultproxy.scopes import Asked
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.controller.lease_api import LEASE_NAME
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP

ROLES: Final = {
    ROOT_SECRET_NAME: "root",
    KEY_RING_CONFIG_MAP: "key-ring-sheet",
    SEALING_KEYS_CONFIG_MAP: "sealing-keys-sheet",
    LEASE_NAME: "lease",
}
PREFIXES: Final = {
    "sshcredential-kek-": "kek",
    "sshcredential-canary-": "canary",
    "sshcredential-sealing-key-": "sealing-key",
}
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Signature(NamedTuple):
    """A request by what it is; `nth` counts the ones that are alike, from 1."""

    method: str
    """WATCH for a watch, LIST for a list."""
    resource: str
    part: str
    """The subresource."""
    place: str
    """`workspace`, `own` or `cluster`."""
    role: str
    """What the object is, or what a list selects."""
    nth: int = 1

    def __str__(self) -> str:
        return ":".join([*self[:-1], str(self.nth)])

    @classmethod
    def of(cls, text: str) -> Signature:
        """Read what `str` has written."""
        method, resource, part, place, role, nth = text.split(":")
        return cls(method, resource, part, place, role, int(nth))

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method in WRITES

    @property
    def kind(self) -> tuple[str, str, str, str, str]:
        """What it is apart from its number."""
        return self[:-1]


def signature_of(asked: Asked, places: Mapping[str, str]) -> Signature:
    """Return the signature of a request, as the first of its kind; `places` tells what each namespace is."""
    address = asked.address
    method = asked.method
    if asked.watch:
        method = "WATCH"
    elif method == "GET" and address.resource and not address.name:
        method = "LIST"
    role = _role(address.name or _name_in(asked.body), places)
    if not role and method in {"LIST", "WATCH"}:
        role = _selected(asked.query)
    resource = address.resource or address.group or asked.path.strip("/").replace("/", "-")
    return Signature(method, resource, address.part, places.get(address.namespace, "cluster"), role)


def event_role(line: bytes) -> str:
    """Return what an event of a watch is about: its type and its object; empty for a bookmark or for none."""
    try:
        event: dict[str, Any] = orjson.loads(line)
        if event["type"] == "BOOKMARK":
            return ""
        return f"{event['type']}-{_role(event['object']['metadata']['name'], {})}"
    except (ValueError, LookupError, TypeError):
        return ""


def _role(name: str, places: Mapping[str, str]) -> str:
    if name in places:
        return places[name]
    if name in ROLES:
        return ROLES[name]
    for start, role in PREFIXES.items():
        if name.startswith(start):
            return role
    return re.sub(r"\.[0-9a-f]{16}$", "", name)  # an event's


def _name_in(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["metadata"]["name"])
    except (ValueError, LookupError, TypeError):
        return ""


def _selected(query: Mapping[str, str]) -> str:
    chosen = query.get("fieldSelector") or query.get("labelSelector") or "all"
    return re.sub(r"[^A-Za-z0-9-]+", "-", chosen.rpartition("=")[2].rpartition("/")[2])
