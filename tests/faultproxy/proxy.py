"""The fault proxy: TLS and HTTP/1.1 on both sides, in a thread of its own. Used by tests and by tests/bench."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import aiohttp
from aiohttp import web
from yarl import URL

from controlplane.access import kubeconfig, write_kubeconfig
from controlplane.certificates import Authority
from faultproxy.old_reads import as_asked, older
from faultproxy.rules import Answer, CutBefore, Hang, Happening, OldRead, RequestFault, Rule, RulesInForce
from faultproxy.scopes import Asked, Everybody, Scope, prefix, scoped
from faultproxy.streams import Sending, error_line, passed_on, relay, reply_of, reset, send, status

LOOPBACK: Final = "127.0.0.1"


class _Running(NamedTuple):
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    port: int


class _Watch(NamedTuple):
    request: web.Request
    scope: str
    sending: Sending


def _expire(watch: _Watch) -> None:
    for line in (error_line(410), None):
        watch.sending.put_nowait(line)


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
        self._everybody = Everybody(RulesInForce((), self._chance))
        self._scopes: dict[str, Scope] = {"": self._everybody}
        self._watches: dict[int, _Watch] = {}
        self._running: Future[_Running] = Future()
        self._thread = threading.Thread(target=self._run, name="fault proxy")

    def break_by(self, *rules: Rule) -> RulesInForce:
        """Go by these rules from now on, and by no others. Return them with their counts."""
        self._everybody.rules = RulesInForce(rules, self._chance)
        return self._everybody.rules

    def enter(self, name: str, scope: Scope) -> None:
        """Let a scope decide what goes wrong for whoever has a kubeconfig of this scope."""
        self._scopes[name] = scope

    def leave(self, name: str) -> None:
        """Answer nobody of a scope any more."""
        self._scopes.pop(name, None)
        self.cut_watches(name)

    def cut_watches(self, scope: str | None = None) -> None:
        """Reset every watch that is open, or those of a scope, so that it is begun anew."""
        self._soon(lambda: [reset(watch.request) for watch in self._open(scope)])

    def expire_watches(self, scope: str | None = None) -> None:
        """End every watch that is open, or those of a scope, as too old, so that it is begun with a list."""
        self._soon(lambda: list(map(_expire, self._open(scope))))

    def kubeconfig(self, user: str, token: str, scope: str = "") -> Path:
        """Write a kubeconfig that leads a user through the proxy, into a scope perhaps."""
        server = f"https://{LOOPBACK}:{self._running.result().port}{prefix(scope) if scope else ''}"
        content = kubeconfig(server, self._authority.read_bytes(), user, {"token": token})
        return write_kubeconfig(self._folder / f"{scope or user}-through-the-proxy.yaml", content)

    def _soon(self, do: Callable[[], object]) -> None:
        self._running.result().loop.call_soon_threadsafe(do)

    def _open(self, scope: str | None) -> list[_Watch]:
        return [watch for watch in self._watches.values() if scope is None or watch.scope == scope]

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
        name, raw = scoped(request.raw_path)
        scope = self._scopes.get(name)
        if scope is None:
            return reset(request)
        path = scoped(request.path)[1]
        asked = Asked(request.method, path, request.query, raw, await request.read())
        try:
            return await self._answer(session, request, asked, scope)
        finally:
            self._watches.pop(id(request), None)
            scope.ended(asked)

    async def _answer(
        self, session: aiohttp.ClientSession, request: web.Request, asked: Asked, scope: Scope
    ) -> web.StreamResponse:
        raw = asked.raw
        struck = scope.strike(RequestFault, asked)
        match fault := struck if isinstance(struck, RequestFault) else None:
            case Answer(code, retry_after):
                seconds = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return web.Response(status=code, body=status(code), content_type="application/json", headers=seconds)
            case CutBefore():
                return reset(request)
            case Hang(seconds):
                await asyncio.sleep(seconds)
                return reset(request)
            case Happening(what, "before", cut):
                scope.happens(what)
                if cut:
                    return reset(request)
            case OldRead(version):
                raw = older(asked, version)
        try:
            return await self._pass_on(session, request, asked, raw, fault)
        except (aiohttp.ClientError, ConnectionError):  # one side is away: the other one meets the same
            return reset(request)

    async def _pass_on(
        self, session: aiohttp.ClientSession, request: web.Request, asked: Asked, raw: str, fault: RequestFault | None
    ) -> web.StreamResponse:
        name, _ = scoped(request.raw_path)
        scope, url, headers = self._scopes[name], URL(self._server + raw, encoded=True), request.headers.copy()
        async with session.request(asked.method, url, data=asked.body or None, headers=passed_on(headers)) as answer:
            if asked.watch and answer.ok:
                scope.answered(asked, answer.status, b"")
                watch = self._watches[id(request)] = _Watch(request, name, asyncio.Queue())
                return await relay(request, answer, lambda kinds, line: scope.strike(kinds, asked, line), watch.sending)
            reply = await reply_of(answer)
            scope.answered(asked, reply.code, reply.content)
            if isinstance(fault, OldRead):
                code, content = as_asked(asked, reply.code, reply.content)
                reply = reply._replace(code=code, content=content)
            return await send(request, reply, fault, scope.happens)
