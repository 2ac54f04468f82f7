"""One answer on its way through the proxy: whole, cut, or a watch event by event. Used by `proxy`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import UnionType

import aiohttp
import orjson
from aiohttp import web
from multidict import CIMultiDict

from faultproxy.rules import CutAfter, CutWatch, ErrorEvent, Event, EventFault, Fault, HalfLine

Strike = Callable[[type | UnionType], Fault | None]

OF_ONE_CONNECTION = ("Connection", "Content-Length", "Host", "Keep-Alive", "Transfer-Encoding")
REASONS = {410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


def status(code: int) -> bytes:
    """Return a Status as the API server words it."""
    words = {"status": "Failure", "message": "The fault proxy did this.", "reason": REASONS.get(code, "Unknown")}
    return orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code, **words})


def passed_on(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers without those of one connection."""
    for name in OF_ONE_CONNECTION:
        headers.popall(name, None)
    return headers


def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection. What is returned goes nowhere."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def send(request: web.Request, answer: aiohttp.ClientResponse, fault: CutAfter | None) -> web.StreamResponse:
    """Pass an answer on, or what the fault leaves of it."""
    content, headers = await answer.read(), passed_on(answer.headers.copy())
    if fault is None:
        return web.Response(status=answer.status, body=content, headers=headers)
    if fault.in_the_middle:
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
    return reset(request)


async def relay(request: web.Request, answer: aiohttp.ClientResponse, strike: Strike) -> web.StreamResponse:
    """Pass the events of a watch on, until one side or a fault ends it."""
    response = web.StreamResponse(status=answer.status, headers=passed_on(answer.headers.copy()))
    await response.prepare(request)
    sending: asyncio.Queue[bytes | None] = asyncio.Queue()
    reading = asyncio.create_task(_read(answer, sending, strike))
    cut = strike(CutWatch)
    try:
        async with asyncio.timeout(cut.seconds if isinstance(cut, CutWatch) else None):
            while (line := await sending.get()) is not None:
                await response.write(line)
                if not line.endswith(b"\n"):
                    return reset(request)
    except TimeoutError:
        return reset(request)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return response


async def _read(answer: aiohttp.ClientResponse, sending: asyncio.Queue[bytes | None], strike: Strike) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time()
    try:
        async for line in _lines(answer):
            match strike(EventFault):
                case Event(copies, delay):
                    end = max(end, loop.time() + delay)
                    for _ in range(copies):
                        loop.call_later(delay, sending.put_nowait, line)
                case ErrorEvent(code):
                    return sending.put_nowait(b'{"type":"ERROR","object":' + status(code) + b"}\n")
                case HalfLine():
                    return sending.put_nowait(line[: len(line) // 2])
                case _:
                    sending.put_nowait(line)
    finally:
        loop.call_at(end, sending.put_nowait, None)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    buffer = b""
    async for chunk in answer.content.iter_any():
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
