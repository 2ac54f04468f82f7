"""The ConfigMap where people ask for rotations of keys and see how far they are. Used by `ring_upkeep.py`.

A request names the key that is to be replaced or dropped, so that it can be asked twice; it stays until it is answered,
so that a new leader goes on with it. Nothing in here is secret. Who may patch this one ConfigMap can ask, and needs no
right to any Secret of the operator's namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from sshcredential_operator.api.names import FIELD_MANAGER, KEY_RING_CONFIG_MAP, MANAGED_BY_LABEL, Namespace
from sshcredential_operator.controller.ports import BY_US, CONFLICT, NOT_FOUND
from sshcredential_operator.controller.requests import MERGE_PATCH, Requests

STATE: Final = "state.json"
ROTATE_ROOT: Final = "rotate-root"
DROP_ROOT: Final = "drop-root"
VERIFY: Final = "verify"
"""Any new text: open everything once, and say in the state what opened."""
REREAD: Final = "reread"
"""`reread.NAMESPACE`, any new text: a person has deleted a workspace's keys, or bound old ones to it."""
RE_ENCRYPT: Final = " re-encrypt"
"""Comes after the kid, where data keys are to be new as well."""

_OF_WORKSPACE: Final = re.compile(r"(rotate|drop|reread)\.([a-z0-9-]{1,63})")
_VALUE: Final = re.compile(r"[ -~]{1,1100}")
_WHAT: Final = "configmaps"


class Asked(NamedTuple):
    """One request: the name of its entry, what it is about, and the key that it names."""

    entry: str
    verb: str
    namespace: Namespace | None
    key_id: str
    re_encrypt: bool = False


class Sheet(NamedTuple):
    """What the ConfigMap says; no revision where there is none."""

    resource_version: str | None = None
    state: str | None = None
    asked: tuple[Asked, ...] = ()


def sheet_of(resource_version: str, data: Mapping[str, str]) -> Sheet:
    """Read the ConfigMap; entries that are no request are left alone."""
    return Sheet(
        resource_version, data.get(STATE), tuple(one for item in sorted(data.items()) if (one := _asked(*item)))
    )


def _asked(entry: str, value: str) -> Asked | None:
    if _VALUE.fullmatch(value) is None:
        return None
    if entry in {ROTATE_ROOT, DROP_ROOT, VERIFY}:
        return Asked(entry, entry, None, value)
    match = _OF_WORKSPACE.fullmatch(entry)
    if match is None:
        return None
    verb, key_id = match[1], value.removesuffix(RE_ENCRYPT)
    return Asked(entry, verb, Namespace(match[2]), key_id, re_encrypt=verb == "rotate" and key_id != value)


class ApiRingDesk:
    """Reads it live, and writes what the operator has to say."""

    def __init__(self, requests: Requests, namespace: Namespace) -> None:
        self._requests = requests
        self.collection = f"/api/v1/namespaces/{namespace}/configmaps"
        self._path = f"{self.collection}/{KEY_RING_CONFIG_MAP}"

    async def read(self) -> Sheet:
        """Read it live."""
        answer = await self._requests.send("GET", self._path, expect=frozenset({NOT_FOUND}), what=_WHAT)
        if answer.code == NOT_FOUND:
            return Sheet()
        found = answer.json()
        return sheet_of(found["metadata"]["resourceVersion"], found.get("data") or {})

    async def write(self, seen: Sheet, state: str, answered: frozenset[str]) -> str | None:
        """Let it say this, and take away the requests that are answered.

        Return the revision that says so, None when somebody else was faster.
        """
        if seen.state == state and not answered:
            return seen.resource_version
        labels, data = {MANAGED_BY_LABEL: FIELD_MANAGER}, {STATE: state, **dict.fromkeys(answered)}
        if seen.resource_version is None:
            metadata = {"name": KEY_RING_CONFIG_MAP, "labels": labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {STATE: state}}
            path, expect = self.collection + BY_US, frozenset({CONFLICT})
            answer = await self._requests.send("POST", path, body=body, expect=expect, what=_WHAT)
        else:
            body = {"metadata": {"resourceVersion": seen.resource_version, "labels": labels}, "data": data}
            path, expect = self._path + BY_US, frozenset({CONFLICT, NOT_FOUND})
            answer = await self._requests.send(
                "PATCH", path, body=body, content_type=MERGE_PATCH, expect=expect, what=_WHAT
            )
        return answer.json()["metadata"]["resourceVersion"] if answer.code < NOT_FOUND else None
