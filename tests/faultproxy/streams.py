"""One answer on its way through the proxy: whole, cut, or a watch event by event. Used by `proxy`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from types import UnionType
from typing import NamedTuple

import aiohttp
import orjson
from aiohttp import web
from multidict import CIMultiDict

from faultproxy.rules import (
    CutAfter,
    CutWatch,
    ErrorEvent,
    Event,
    EventFault,
    Fault,
    HalfLine,
    Halved,
    Happening,
    RequestFault,
    Stalled,
    Swapped,
)

Strike = Callable[[type | UnionType, bytes], Fault | None]
Sending = asyncio.Queue[bytes | None]
"""Lines of a watch on their way to the operator; None is the end."""

OF_ONE_CONNECTION = ("Connection", "Content-Length", "Host", "Keep-Alive", "Transfer-Encoding")
REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def status(code: int) -> bytes:
    """Return a Status as the API server words it."""
    words = {"status": "Failure", "message": "The fault proxy did this.", "reason": REASONS.get(code, "Unknown")}
    return orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code, **words})


def passed_on(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers without those of one connection."""
    for name in OF_ONE_CONNECTION:
        headers.popall(name, None)
    return headers


class Reply(NamedTuple):
    """A whole answer of the API server."""

    code: int
    headers: CIMultiDict[str]
    content: bytes


async def reply_of(answer: aiohttp.ClientResponse) -> Reply:
    """Read it."""
    return Reply(answer.status, passed_on(answer.headers.copy()), await answer.read())


def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection. What is returned goes nowhere."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def send(
    request: web.Request, answer: Reply, fault: RequestFault | None, happens: Callable[[str], None]
) -> web.StreamResponse:
    """Pass an answer on, or what the fault leaves of it."""
    match fault:
        case Happening(what, "applied", cut):
            happens(what)
            return reset(request) if cut else _whole(answer)
        case Happening(what, "answered"):
            response = await _written(request, answer, answer.content)
            happens(what)
            return response
        case CutAfter(in_the_middle):
            if in_the_middle:
                await _written(request, answer, answer.content[: len(answer.content) // 2])
            return reset(request)
        case Halved():
            return _whole(answer._replace(content=answer.content[: len(answer.content) // 2]))
    return _whole(answer)


def _whole(answer: Reply) -> web.Response:
    return web.Response(status=answer.code, body=answer.content, headers=answer.headers)


async def _written(request: web.Request, answer: Reply, content: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.code, headers=answer.headers)
    response.content_length = len(answer.content)
    await response.prepare(request)
    await response.write(content)
    return response


async def relay(
    request: web.Request, answer: aiohttp.ClientResponse, strike: Strike, sending: Sending
) -> web.StreamResponse:
    """Pass the events of a watch on, until one side or a fault ends it."""
    response = web.StreamResponse(status=answer.status, headers=passed_on(answer.headers.copy()))
    await response.prepare(request)
    reading = asyncio.create_task(_read(answer, sending, strike))
    cut = strike(CutWatch, b"")
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


def error_line(code: int) -> bytes:
    """Return an ERROR event."""
    return b'{"type":"ERROR","object":' + status(code) + b"}\n"


async def _read(answer: aiohttp.ClientResponse, sending: Sending, strike: Strike) -> None:
    loop = asyncio.get_running_loop()
    delivery = _Delivery(sending, loop)
    try:
        async for line in _lines(answer):
            if not delivery.goes_on_after(strike(EventFault, line), line):
                return
    finally:
        if delivery.end < math.inf:  # a stalled watch is ended by whoever heals it
            loop.call_at(delivery.end, sending.put_nowait, None)


class _Delivery:
    """Hands the lines of one watch over, as faults let them."""

    def __init__(self, sending: Sending, loop: asyncio.AbstractEventLoop) -> None:
        self._sending, self._loop, self.end, self._overtaken = sending, loop, loop.time(), b""

    def goes_on_after(self, fault: Fault | None, line: bytes) -> bool:
        """Take a line; return whether the watch goes on."""
        match fault:
            case _ if self.end == math.inf:
                return True
            case Event(copies, delay):
                self.end = max(self.end, self._loop.time() + delay)
                for _ in range(copies):
                    self._loop.call_later(delay, self._sending.put_nowait, line)
            case ErrorEvent(code):
                self._sending.put_nowait(error_line(code))
                return False
            case HalfLine():
                self._sending.put_nowait(line[: len(line) // 2])
                return False
            case Swapped():
                self._overtaken = line
                return True
            case Stalled():
                self.end = math.inf
                return True
            case _:
                self._sending.put_nowait(line)
        if self._overtaken:
            self._sending.put_nowait(self._overtaken)
            self._overtaken = b""
        return True


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    buffer = b""
    async for chunk in answer.content.iter_any():
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
