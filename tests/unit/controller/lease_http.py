"""The Lease as a real HTTP server on the loopback serves it: enough of an API server for one object and its watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson
from aiohttp import web

Object = dict[str, Any]

PATH: Final = "/apis/coordination.k8s.io/v1/namespaces/sys/leases"
NAMED: Final = f"{PATH}/sshcredential-operator"


class LeaseServer:
    """Holds one Lease. `asked` are method and path of all requests, `refuse` may answer one of them instead."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Object] = []
        self.refuse: Callable[[web.Request], web.StreamResponse | None] = lambda _: None
        self.streams: list[asyncio.Queue[bytes | None]] = []
        self._version = 0

    def put(self, **spec: Any) -> None:
        """Write a Lease."""
        self._version += 1
        metadata = {"name": "sshcredential-operator", "namespace": "sys", "resourceVersion": str(self._version)}
        self.lease = {"metadata": metadata, "spec": spec}

    def say(self, words: bytes | None) -> None:
        """Send something to every watch; None ends them."""
        for stream in self.streams:
            stream.put_nowait(words)

    def tell(self, kind: str) -> None:
        """Send the Lease as an event to every watch."""
        self.say(orjson.dumps({"type": kind, "object": self.lease}) + b"\n")

    @property
    def holder(self) -> str | None:
        return self.lease["spec"].get("holderIdentity") if self.lease else None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        body = await request.read()
        if (refused := self.refuse(request)) is not None:
            return refused
        if "watch" in request.query:
            return await self._stream(request)
        if request.path not in {PATH, NAMED}:
            return web.json_response({}, status=201)
        if request.method in {"POST", "PUT"}:
            return self._written(request.method, orjson.loads(body))
        return web.json_response(self.lease or {}, status=200 if self.lease else 404)

    def _written(self, method: str, body: Object) -> web.Response:
        self.bodies.append(body)
        if method == "PUT" and self.lease is None:
            return web.json_response({}, status=404)
        current = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if current != body["metadata"].get("resourceVersion"):
            return web.json_response({}, status=409)
        self._version += 1
        self.lease = body | {"metadata": body["metadata"] | {"resourceVersion": str(self._version)}}
        return web.json_response(self.lease, status=200)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response, words = web.StreamResponse(), asyncio.Queue[bytes | None]()
        await response.prepare(request)
        self.streams.append(words)
        try:
            while (said := await words.get()) is not None:
                await response.write(said)
        finally:
            self.streams.remove(words)
        return response


async def until(holds: Callable[[], object]) -> None:
    """Return when this holds."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)
