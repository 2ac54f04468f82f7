"""Leave to write, asked for up to the last moment. Used by `requests.py`; the leader election decides.

Between the decision to write and the first byte lie a wait for a connection, a handshake, turns of the event loop, and
encryption, which lets other threads run: a process that was frozen in any of them must notice before it writes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import BytesPayload
from aiohttp.abc import AbstractStreamWriter

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from aiohttp.connector import AddrInfoType


class NotPermitted(Exception):  # not an OSError: those the client library tries again
    """This process may not write any more."""


class WriteGuard:
    """Makes the bodies and the sockets of a session that may write only while `permitted` says so."""

    def __init__(self) -> None:
        self.permitted: Callable[[], bool] = lambda: True
        self.body_goes_out = False

    def body(self, data: bytes) -> GuardedBody:
        """Return a request's body."""
        return GuardedBody(data, self)

    def socket(self, address: AddrInfoType) -> socket.socket:
        """Return a socket for an address, as `aiohttp.TCPConnector` asks for one."""
        made = GuardedSocket(*address[:3])
        made.guard = self
        return made


class GuardedBody(BytesPayload):
    """Headers wait for the first bytes of the body, so that nothing at all is sent without leave."""

    def __init__(self, data: bytes, guard: WriteGuard) -> None:
        super().__init__(data)
        self._guard = guard

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, and the headers before it, at once or not at all."""
        if not self._guard.permitted():
            raise NotPermitted
        self._guard.body_goes_out = True
        try:
            await super().write_with_length(writer, content_length)
        finally:
            self._guard.body_goes_out = False


class GuardedSocket(socket.socket):
    """Asks right before the system call that carries a body: what is left then are microseconds."""

    guard: WriteGuard

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send bytes, or end the connection."""
        if self.guard.body_goes_out and not self.guard.permitted():
            raise ConnectionAbortedError
        return super().send(data, flags)
