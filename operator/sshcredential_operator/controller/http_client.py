"""A small HTTP/1.1 client for the requests of passes: one server, a bounded pool, no second try of what writes.

Made by `connection.py`, used by `requests.py`; what streams is aiohttp's. docs/design/015-speed.md says why.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from sshcredential_operator.api.names import FIELD_MANAGER
from sshcredential_operator.controller.http_answer import HttpAnswer
from sshcredential_operator.controller.http_connection import HttpConnection, open_connection
from sshcredential_operator.controller.http_proxy import Proxy
from sshcredential_operator.controller.write_guard import WriteGuard

TOTAL_SECONDS: Final = 15.0
"""For a request with all that it takes: the wait for a free connection, and making one."""
CONNECT_SECONDS: Final = 5.0
"""For each address of the server, and for all handshakes together."""
IDLE_SECONDS: Final = 15.0
"""How long a connection stays without a use."""
_STAYS: Final = "/?&=%:;,@!$'()*+~[]"


class Server(NamedTuple):
    """An API server, and who we are there: headers that are looked up for every request."""

    address: str
    tls: ssl.SSLContext
    """Used where the address, or that of the proxy, begins with https."""
    proxy: Proxy | None
    authorization: Callable[[], Mapping[str, str]]


class HttpClient:
    """Sends requests to a server, over so many connections at most. Every failure is an OSError."""

    def __init__(self, server: Server, guard: WriteGuard, *, connections: int) -> None:
        parts = urlsplit(server.address)
        self._server, self._guard = server, guard
        self._encrypted = parts.scheme == "https"
        self._name, self._port = parts.hostname or "", parts.port or (443 if self._encrypted else 80)
        self._prefix, host = parts.path, parts.netloc.rpartition("@")[2]
        self._fixed = [f"Host: {host}", f"User-Agent: {FIELD_MANAGER}", "Accept-Encoding: identity"]
        if server.proxy and not self._encrypted:
            self._prefix = f"http://{host}{parts.path}"
            self._fixed += server.proxy.authorization
        self._turn = asyncio.Semaphore(connections)
        self._open, self._idle = set[HttpConnection](), deque[HttpConnection]()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        """Return the final answer, whatever its code; a redirect is not followed."""
        request = self._request(method, path, headers, body)
        async with asyncio.timeout(TOTAL_SECONDS), self._turn:
            if self._closed:
                raise ConnectionAbortedError
            if (reused := self._take()) is not None:
                try:
                    return await self._exchange(reused, method, request)
                except OSError:
                    if method != "GET" or not reused.was_silent:
                        raise
            return await self._exchange(await self._connect(), method, request)

    async def close(self) -> None:
        """End all connections; requests that are under way fail."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in self._open:
            connection.abort()
        await asyncio.sleep(0)  # sockets are closed in the loop's next turn

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        lines = [f"{method} {self._prefix}{quote(path, safe=_STAYS)} HTTP/1.1", *self._fixed]
        lines += [
            f"{name}: {value}" for given in (self._server.authorization(), headers) for name, value in given.items()
        ]
        if method != "GET":
            lines.append(f"Content-Length: {len(body or b'')}")
        head = "\r\n".join(lines)
        if head.count("\n") + head.count("\r") != 2 * len(lines) - 2 or "\0" in head:  # a token file that holds more
            raise ConnectionAbortedError
        return b"%b\r\n\r\n%b" % (head.encode(), body or b"")

    async def _exchange(self, connection: HttpConnection, method: str, request: bytes) -> HttpAnswer:
        writes = method != "GET"
        try:
            if writes and not self._guard.permitted():
                raise ConnectionAbortedError
            return await connection.exchange(request, writes=writes)
        finally:
            self._give_back(connection)

    async def _connect(self) -> HttpConnection:
        proxy, tls = self._server.proxy, self._server.tls
        name, port = (proxy.name, proxy.port) if proxy else (self._name, self._port)
        connection = await open_connection(name, port, self._guard, CONNECT_SECONDS)
        self._open.add(connection)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if proxy:
                    await proxy.begin(connection, tls)
                if proxy and self._encrypted:
                    await proxy.tunnel(connection, self._name, self._port)
                if self._encrypted:
                    await connection.start_tls(tls, self._name)
        except BaseException:
            self._drop(connection)
            raise
        return connection

    def _take(self) -> HttpConnection | None:
        while self._idle:
            connection = self._idle.pop()  # the one that was used last, so that those which are not needed end
            if connection.is_quiet():
                return connection
            self._drop(connection)
        return None

    def _give_back(self, connection: HttpConnection) -> None:
        if self._closed or not connection.is_usable:
            self._drop(connection)
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweep()

    def _sweep(self) -> None:
        while self._idle and self._idle[0].idle_since <= time.monotonic() - IDLE_SECONDS:
            self._drop(self._idle.popleft())
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(IDLE_SECONDS, self._sweep) if self._idle else None

    def _drop(self, connection: HttpConnection) -> None:
        connection.abort()
        self._open.discard(connection)
