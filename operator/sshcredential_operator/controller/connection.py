"""The connection to the API server: where it is and who we are from `endpoint.py`.

Everything that talks to the API server, Kopf included, takes its client from here: aiohttp's for what streams, our own
for the requests of passes.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import ssl
import time
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Final

import aiohttp

from sshcredential_operator.api.names import FIELD_MANAGER
from sshcredential_operator.controller.endpoint import Endpoint, NoConfigurationError, load_endpoint
from sshcredential_operator.controller.http_client import HttpClient, Server
from sshcredential_operator.controller.http_proxy import Proxy
from sshcredential_operator.controller.write_guard import WriteGuard

TOKEN_REFRESH_SECONDS: Final = 60

asyncio.sslproto.SSLProtocol.max_size = 64 * 1024
# Each connection has a buffer of this size, filled with zeros when it is made. There are up to 40 of them, and by
# default it is 256 KiB: 8 MiB more. A TLS record has 16 KiB at most (RFC 8446, 5.1).


class Connection:
    """Server address, TLS and credentials; the credentials are read again every minute and after a 401."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._sessions: weakref.WeakSet[aiohttp.ClientSession] = weakref.WeakSet()
        self.server = endpoint.server
        self.on_answer: Callable[[], None] = lambda: None
        self.on_silence: Callable[[], None] = lambda: None
        """One of these is called after every request, whoever made it."""
        self.on_request: Callable[[str, str, int | None, float], None] = lambda *_: None
        """Called as well, with method, path with query, status code (None where nobody answered) and seconds."""

    def client(self, guard: WriteGuard, *, connections: int) -> HttpClient:
        """Return a new client with current credentials, bounded by `connections`."""
        proxy = Proxy.at(self._endpoint.proxy) if self._endpoint.proxy else None
        server = Server(self.server, _tls(self._endpoint), proxy, lambda: self._endpoint.authorization)
        return HttpClient(server, guard, connections=connections)

    def session(self, *, connections: int) -> aiohttp.ClientSession:
        """Return a new session with current credentials; `connections` bounds it, 0 does not."""
        tls = _tls(self._endpoint)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=tls, force_close=False),
            headers={"User-Agent": FIELD_MANAGER, **self._endpoint.authorization},
            proxy=self._endpoint.proxy,
            cookie_jar=aiohttp.DummyCookieJar(),  # looking for cookies takes a tenth of a request
            auto_decompress=True,
            trace_configs=[self._trace()],
        )
        self._sessions.add(session)
        return session

    def _trace(self) -> aiohttp.TraceConfig:
        async def begun(_: object, context: SimpleNamespace, __: object) -> None:
            context.begun = time.monotonic()

        async def answered(_: object, context: SimpleNamespace, met: aiohttp.TraceRequestEndParams) -> None:
            self.ended(met.method, met.url.raw_path_qs, met.response.status, time.monotonic() - context.begun)

        async def failed(_: object, context: SimpleNamespace, met: aiohttp.TraceRequestExceptionParams) -> None:
            if not isinstance(met.exception, asyncio.CancelledError):
                self.ended(met.method, met.url.raw_path_qs, None, time.monotonic() - context.begun)

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(begun)
        trace.on_request_end.append(answered)
        trace.on_request_exception.append(failed)
        return trace

    def ended(self, method: str, path: str, code: int | None, seconds: float) -> None:
        """Tell of the end of a request; None is the code where nobody answered."""
        if code is None:
            self.on_silence()
        else:
            self.on_answer()
        self.on_request(method, path, code, seconds)

    async def refresh(self) -> None:
        """Read the credentials again: a rotated token file, an exec plugin's next token."""
        self._endpoint = await load_endpoint()
        for session in self._sessions:
            session.headers.update(self._endpoint.authorization)

    async def keep_fresh(self) -> None:
        """Refresh for ever; a failure leaves the credentials as they are until the next try."""
        while True:
            await asyncio.sleep(TOKEN_REFRESH_SECONDS)
            try:
                await self.refresh()
            except (NoConfigurationError, OSError):
                continue


async def connect() -> Connection:
    """Return the connection that KUBECONFIG, ~/.kube/config or the pod's service account describes."""
    return Connection(await load_endpoint())


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    if endpoint.cert_file:
        context.load_cert_chain(endpoint.cert_file, endpoint.key_file)
    if not endpoint.verified:  # the kubeconfig says so: insecure-skip-tls-verify
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
