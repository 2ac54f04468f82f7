"""One HTTP/1.1 connection: a request out, its answer in, and whether another may follow. Used by `http_client.py`.

Whatever is odd ends the connection, so that an answer is never taken for another request's. Every failure is an
OSError that quotes nothing of what was sent or received.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any, cast

from sshcredential_operator.controller.http_answer import AnswerReader, HttpAnswer
from sshcredential_operator.controller.write_guard import GuardedSocket, WriteGuard


class HttpConnection(asyncio.Protocol):
    """Carries one request at a time. `open_connection` makes it, in plain TCP."""

    def __init__(self, opened: GuardedSocket) -> None:
        self._socket = opened
        self._wire: asyncio.Transport
        self._transport: asyncio.Transport  # the same, or TLS on it
        self._reader: AnswerReader | None = None
        self._over: asyncio.Future[None]
        self.is_usable = True
        """Whether another request may follow."""
        self.was_silent = False
        """Whether the last request failed before a byte of an answer had come."""
        self.idle_since = 0.0

    async def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt from now on; raises OSError if the server is not who it should be."""
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(self._transport, self, context, server_hostname=server_name.rstrip("."))
        if secured is None or not self.is_usable:
            raise ConnectionAbortedError
        self._transport = secured

    async def exchange(self, request: bytes, *, writes: bool, head_only: bool = False) -> HttpAnswer:
        """Send a request and return its answer; raises OSError. Neither an error nor a cancellation leaves it usable.

        If it `writes`, each system call that carries a part of it needs leave.
        """
        self._reader = reader = AnswerReader(head_only=head_only)
        self._over = asyncio.get_running_loop().create_future()
        self._socket.carries_write, self.was_silent = writes, False
        try:
            self._transport.write(request)
            await self._over
        finally:
            self._reader, self._socket.carries_write = None, False
            if not reader.is_reusable or self._wire.get_write_buffer_size():  # answered before it was sent
                self.abort()
        if reader.answer is None:
            self.was_silent = not reader.bytes_taken
            raise ConnectionResetError
        return reader.answer

    def is_quiet(self) -> bool:
        """Whether the server has neither closed it nor said anything that nobody asked for."""
        if not self.is_usable:
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    def abort(self) -> None:
        """End it at once; a request that is under way fails."""
        self.is_usable = False
        self._wire.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()
            return
        self._reader.feed(data)
        self._settle(self._reader)

    def eof_received(self) -> None:
        self.is_usable = False
        if self._reader is not None:
            self._reader.end()
            self._settle(self._reader)

    def connection_lost(self, _: Exception | None) -> None:
        self.eof_received()

    def _settle(self, reader: AnswerReader) -> None:
        if reader.is_over and not self._over.done():
            self._over.set_result(None)


async def open_connection(name: str, port: int, guard: WriteGuard, seconds: float) -> HttpConnection:
    """Connect by TCP to the first of a name's addresses that lets us in within so many seconds."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # no name at all
        raise ConnectionRefusedError from None
    for family, kind, protocol, _, address in found:
        with suppress(OSError):  # the next one, then
            async with asyncio.timeout(seconds):
                return await _connect(guard.socket(family, kind, protocol), address)
    raise ConnectionRefusedError


async def _connect(opened: GuardedSocket, address: tuple[Any, ...]) -> HttpConnection:
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(opened, address)
        _, connection = await loop.create_connection(lambda: HttpConnection(opened), sock=opened)
    except BaseException:
        opened.close()
        raise
    return connection
