"""The Lease of the leader election on a real API server (coordination.k8s.io/v1). The port `Leases` of `leader.py`.

It has connections of its own: a renewal waits behind no pass, and is not guarded by what it decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import orjson

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.lease import LEASE_SECONDS, Lease
from sshcredential_operator.controller.ports import CONFLICT, NOT_FOUND
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.reconcile.trouble import TroubleError

LEASE_NAME: Final = "sshcredential-operator"
RESOURCE: Final = "leases.coordination.k8s.io"
SERVER_TIMEOUT: Final = 300

_FORBIDDEN: Final = 403
_LINE_LIMIT: Final = 1024 * 1024
_MOST_TRANSITIONS: Final = 2**31 - 1


class ApiLeases:
    """One Lease in the operator's namespace."""

    def __init__(self, connection: Connection, namespace: Namespace) -> None:
        self._connection, self._requests = connection, Requests(connection)
        self._session = connection.session(connections=0)
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def read(self) -> Lease | None:
        """Return the Lease, or None when there is none."""
        path = f"{self._path}/{LEASE_NAME}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=RESOURCE)
        return None if answer.code == NOT_FOUND else _lease(answer.json())

    async def create(self, holder: str) -> Lease | None:
        """Return what was created, None when it exists."""
        metadata = {"name": LEASE_NAME, "labels": {MANAGED_BY_LABEL: FIELD_MANAGER}}
        return await self._write("POST", self._path, _held({"metadata": metadata}, holder))

    async def update(self, lease: Lease, holder: str) -> Lease | None:
        """Write a holder into this revision; None when there is a newer one, or none."""
        return await self._write("PUT", f"{self._path}/{LEASE_NAME}", _held(lease.raw, holder))

    @asynccontextmanager
    async def watch(self, since: Lease) -> AsyncIterator[AsyncIterator[Lease | None]]:
        """Follow the Lease from this revision on, however long the server lets us."""
        parameters = {
            "watch": "true",
            "fieldSelector": f"metadata.name={LEASE_NAME}",
            "resourceVersion": since.version,
            "timeoutSeconds": str(SERVER_TIMEOUT),
        }
        timeout = aiohttp.ClientTimeout(total=SERVER_TIMEOUT + 30, sock_connect=5)
        try:
            response = await self._session.get(self._connection.server + self._path, params=parameters, timeout=timeout)
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise TroubleError(Reason.SERVER_UNAVAILABLE) from None
        async with response:
            if response.status == _FORBIDDEN:
                raise TroubleError(Reason.FORBIDDEN, {"verb": "watch", "resource": RESOURCE})
            if not response.ok:
                raise TroubleError(Reason.SERVER_UNAVAILABLE)
            yield _revisions(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await self._requests.close()

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Lease | None:
        path += f"?fieldManager={FIELD_MANAGER}"
        expect = frozenset({CONFLICT, NOT_FOUND}) if method == "PUT" else frozenset({CONFLICT})
        answer = await self._requests.send(method, path, body=body, expect=expect, what=RESOURCE)
        return None if answer.code in expect else _lease(answer.json())


async def _revisions(response: aiohttp.ClientResponse) -> AsyncIterator[Lease | None]:
    buffer = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    return
                yield None if event["type"] == "DELETED" else _lease(event["object"])
            if len(buffer) > _LINE_LIMIT:
                return
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError):
        return  # a watch that breaks has ended: the Lease is read again


def _lease(raw: Mapping[str, Any]) -> Lease:
    version: str = raw["metadata"]["resourceVersion"]
    spec = raw.get("spec") or {}
    return Lease(version, spec.get("holderIdentity") or "", float(spec.get("leaseDurationSeconds") or 0), raw)


def _held(raw: Mapping[str, Any], holder: str) -> dict[str, Any]:
    """Return the object with this holder, renewed now. What others wrote beside it stays; times are for people only."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = dict(raw.get("spec") or {})
    if holder != (spec.get("holderIdentity") or ""):
        spec["acquireTime"] = moment
        if holder:
            spec["leaseTransitions"] = min(spec.get("leaseTransitions", -1) + 1, _MOST_TRANSITIONS)
    spec |= {"holderIdentity": holder, "leaseDurationSeconds": int(LEASE_SECONDS), "renewTime": moment}
    metadata = {name: value for name, value in raw["metadata"].items() if name != "managedFields"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
