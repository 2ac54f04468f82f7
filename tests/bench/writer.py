"""The bare writer: the same objects with no operator in between. It is the floor, and the load for the operator."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from controlplane.plane import ControlPlane
from sshcredential_operator.api.names import API_VERSION, KIND, PLURAL

CONNECTIONS: Final = 32
LOOK: Final = 0.05
"""Seconds before a watch is begun again."""
JSON: Final = {"Content-Type": "application/json"}
MERGE: Final = {"Content-Type": "application/merge-patch+json"}
ED25519: Final = {"generate": {"algorithm": "Ed25519"}}


class Writer:
    """Writes to one control plane as the administrator, over a bounded number of connections."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session, self._server = session, server

    async def credential(self, namespace: str, name: str, spec: Mapping[str, Any] = ED25519) -> None:
        """POST an SSHCredential, by default one that asks for an Ed25519 key."""
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
        await self._send("POST", f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}", body, JSON)

    async def floor(self, namespace: str, name: str) -> None:
        """Write what a credential cannot do without: the object, a Secret of 2 KiB, and its status."""
        await self.credential(namespace, name)
        await self.secret(namespace, f"{name}-floor", {"value": os.urandom(1536)})
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}/{name}/status"
        await self._send("PATCH", path, {"status": STATUS}, MERGE)

    async def secret(self, namespace: str, name: str, data: Mapping[str, bytes]) -> None:
        """POST a Secret."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}
        await self._send("POST", f"/api/v1/namespaces/{namespace}/secrets", body, JSON)

    async def watch_ready(self, namespace: str) -> AsyncIterator[tuple[str, float]]:
        """Yield each credential's name and the time when an independent watcher saw it Ready, once."""
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        async for seen in self.watch_done(path, is_ready):
            yield seen

    async def watch_done(self, path: str, is_done: Callable[[bytes], bool]) -> AsyncIterator[tuple[str, float]]:
        """Yield the name of each object of a collection whose event is done, and when that was seen, once.

        A busy server ends the watch of who reads too slowly. Another one begins with everything that is there.
        """
        seen: set[str] = set()
        while True:
            why = "ended"
            try:
                async for line in self._watch(path):
                    if is_done(line) and (name := orjson.loads(line)["object"]["metadata"]["name"]) not in seen:
                        seen.add(name)
                        yield name, time.monotonic()
            except aiohttp.ClientResponseError as refused:
                if refused.status != HTTPStatus.TOO_MANY_REQUESTS:  # said of an API that is new
                    raise
                why = "refused for the moment"
            print(f"  the bench's own watch of {path} was {why}, and begins again", flush=True)
            await asyncio.sleep(LOOK)

    async def events(self, path: str) -> AsyncIterator[tuple[str, Any]]:
        """Yield type and object of every event of a collection from now on. A gap raises RuntimeError."""
        since = (await self.get(f"{path}?limit=1"))["metadata"]["resourceVersion"]
        while True:
            with suppress(aiohttp.ClientPayloadError):  # cut off: the next watch goes on where this one ended
                async for line in self._watch(path, f"&allowWatchBookmarks=true&resourceVersion={since}"):
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise RuntimeError(f"the watch of {path} has a gap: {event['object'].get('message')}")
                    since = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event["type"], event["object"]

    async def _watch(self, path: str, more: str = "") -> AsyncIterator[bytes]:
        url = f"{self._server}{path}?watch=true{more}"
        async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as response:
            response.raise_for_status()
            buffer = b""
            async for chunk in response.content.iter_any():
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    yield line

    async def post(self, path: str, body: Mapping[str, Any]) -> None:
        """POST any object."""
        await self._send("POST", path, body, JSON)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Change any object by a merge patch."""
        await self._send("PATCH", path, body, MERGE)

    async def delete(self, path: str) -> None:
        """DELETE any object."""
        await self._send("DELETE", path, {}, JSON)

    async def get(self, path: str) -> Any:
        """GET any object or list."""
        return orjson.loads(await self._send("GET", path, {}, {}))

    async def pages(self, path: str) -> int:
        """Read a collection in pages of 1,000 and return how many objects it has."""
        count, more = 0, ""
        while True:
            page = await self.get(f"{path}?limit=1000&continue={more}")
            count += len(page["items"])
            more = page["metadata"].get("continue", "")
            if not more:
                return count

    async def _send(self, method: str, path: str, body: Mapping[str, Any], headers: dict[str, str]) -> bytes:
        url, data = self._server + path, orjson.dumps(body) if body else None
        async with self._session.request(method, url, data=data, headers=headers) as response:
            answer = await response.read()
            if not response.ok:
                raise RuntimeError(f"{method} {path}: {answer[:300]!r}")
            return answer


STATUS: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Available",
            "message": "The key is stored encrypted in Secret of about this length.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
    "algorithm": "Ed25519",
    "bits": 256,
    "keyNumber": 1,
    "rotationSerial": 0,
    "fingerprint": "SHA256:" + "A" * 43,
    "publicKey": "ssh-ed25519 " + "A" * 68,
    "credentialId": "0" * 32,
    "passphraseProtected": False,
    "createdAt": "2026-01-01T00:00:00Z",
    "exposure": "Encrypted",
}


def is_ready(line: bytes) -> bool:
    """Whether an event shows a credential that is Ready."""
    return b'"type":"Ready"' in line and b'"status":"True"' in line


@asynccontextmanager
async def writer(
    plane: ControlPlane, connections: int = CONNECTIONS, server: str | None = None
) -> AsyncIterator[Writer]:
    """Open the connections, to another address if one is given; one more is for the watcher."""
    tls = ssl.create_default_context(cafile=str(plane.ca_file))
    connector = aiohttp.TCPConnector(limit=connections + 1, ssl=tls)
    headers = {"Authorization": f"Bearer {plane.token('admin')}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Writer(session, server or plane.server)


async def all_at_once(
    write: Callable[[str, str], Awaitable[None]], namespace: str, names: Iterable[str], connections: int = CONNECTIONS
) -> None:
    """Write all names over so many connections, each busy all the time."""
    waiting = iter(names)

    async def one_connection() -> None:
        for name in waiting:
            await write(namespace, name)

    await asyncio.gather(*(one_connection() for _ in range(connections)))
