"""The fault proxy: TLS and HTTP/1.1 on both sides, in a thread of its own. Used by tests and by tests/bench."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import TracebackType, UnionType
from typing import Final, NamedTuple, Self

import aiohttp
from aiohttp import web
from yarl import URL

from controlplane.access import kubeconfig, write_kubeconfig
from controlplane.certificates import Authority
from faultproxy.rules import Answer, CutAfter, CutBefore, Fault, Hang, RequestFault, Rule, RulesInForce
from faultproxy.streams import passed_on, relay, reset, send, status

LOOPBACK: Final = "127.0.0.1"


class _Running(NamedTuple):
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    port: int


class FaultProxy:
    """Stands before an API server during a `with` block. As long as it has no rules it changes nothing."""

    def __init__(self, server: str, ca_file: Path, folder: Path, seed: object = None) -> None:
        authority = Authority(folder, "fault-proxy-ca")
        own = authority.server("fault-proxy", (LOOPBACK,), ())
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(own.certificate, own.key)
        self._authority, self._folder = authority.files.certificate, folder
        self._server, self._trust = server, ssl.create_default_context(cafile=str(ca_file))
        self._chance = random.Random(str(seed))
        self._rules = RulesInForce((), self._chance)
        self._watches: dict[int, web.Request] = {}
        self._running: Future[_Running] = Future()
        self._thread = threading.Thread(target=self._run, name="fault proxy")

    def break_by(self, *rules: Rule) -> RulesInForce:
        """Go by these rules from now on, and by no others. Return them with their counts."""
        self._rules = RulesInForce(rules, self._chance)
        return self._rules

    def cut_watches(self) -> None:
        """Reset every watch that is open, so that it is begun anew."""
        self._running.result().loop.call_soon_threadsafe(lambda: [reset(watch) for watch in self._watches.values()])

    def kubeconfig(self, user: str, token: str) -> Path:
        """Write a kubeconfig that leads a user through the proxy."""
        server = f"https://{LOOPBACK}:{self._running.result().port}"
        content = kubeconfig(server, self._authority.read_bytes(), user, {"token": token})
        return write_kubeconfig(self._folder / f"{user}-through-the-proxy.yaml", content)

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = self._running.result()
        running.loop.call_soon_threadsafe(running.stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._running.done():
                raise
            self._running.set_exception(error)

    async def _serve(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._trust)
        no_limit = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=no_limit) as session:
            app = web.Application(client_max_size=2**24)
            app.router.add_route("*", "/{path:.*}", partial(self._handle, session))
            runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, 0, ssl_context=self._tls).start()
            running = _Running(asyncio.get_running_loop(), asyncio.Event(), runner.addresses[0][1])
            self._running.set_result(running)
            await running.stop.wait()
            await runner.cleanup()

    async def _handle(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        watch = "watch" in request.query

        def strike(kinds: type | UnionType) -> Fault | None:
            return self._rules.strike(kinds, request.method, request.path, watch=watch)

        match fault := strike(RequestFault):
            case Answer(code, retry_after):
                asked = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return web.Response(status=code, body=status(code), content_type="application/json", headers=asked)
            case CutBefore():
                return reset(request)
            case Hang(seconds):
                await asyncio.sleep(seconds)
                return reset(request)
        url, headers = URL(self._server + request.raw_path, encoded=True), passed_on(request.headers.copy())
        try:
            async with session.request(
                request.method, url, data=await request.read() or None, headers=headers
            ) as answer:
                if not (watch and answer.ok):
                    return await send(request, answer, fault if isinstance(fault, CutAfter) else None)
                self._watches[id(request)] = request
                return await relay(request, answer, strike)
        except (aiohttp.ClientError, ConnectionError):  # one side is away: the other one meets the same
            return reset(request)
        finally:
            self._watches.pop(id(request), None)
