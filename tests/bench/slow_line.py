"""A TCP line on the loopback on which what the server says arrives late. Everything in it stays encrypted."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_CHUNK: Final = 65536


class SlowLine:
    """Forwards every connection to one address, and its answers so many seconds later. Ends with its `with` block."""

    def __init__(self, server: str, delay: float) -> None:
        address = urlsplit(server)
        self._target, self._delay = (str(address.hostname), int(address.port or 443)), delay
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="slow line")

    @property
    def server(self) -> str:
        """Where to connect instead."""
        return f"https://127.0.0.1:{self._running.result()[2]}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, over, _ = self._running.result()
        loop.call_soon_threadsafe(over.set)
        self._thread.join()

    async def _serve(self) -> None:
        over = asyncio.Event()
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._running.set_result((asyncio.get_running_loop(), over, listener.sockets[0].getsockname()[1]))
        await over.wait()
        listener.close()  # asyncio.run cancels the connections that are left

    async def _connected(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            far_in, far_out = await asyncio.open_connection(*self._target)
            await asyncio.gather(_pump(near_in, far_out, 0), _pump(far_in, near_out, self._delay))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await source.read(_CHUNK):
        if delay:  # each piece by itself: those behind it do not wait for it as well
            loop.call_later(delay, sink.write, data)
        else:
            sink.write(data)
            await sink.drain()
    loop.call_later(delay, sink.close)
