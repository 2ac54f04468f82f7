"""Leave to write, asked for up to the last moment. Used by `requests.py` and its client; the leader election decides.

Between the decision to write and the first byte lie a wait for a connection, a handshake, turns of the event loop, and
encryption, which lets other threads run: a process that was frozen in any of them must notice before it writes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class WriteGuard:
    """Makes sockets that may write only while `permitted` says so."""

    def __init__(self) -> None:
        self.permitted: Callable[[], bool] = lambda: True

    def socket(self, family: int, kind: int, protocol: int) -> GuardedSocket:
        """Return a socket; raises OSError where there is none of this family."""
        made = GuardedSocket(family, kind, protocol)
        made.settimeout(0)  # asyncio wants one that does not block
        made.guard = self
        return made


class GuardedSocket(socket.socket):
    """Asks right before each system call that carries a write: what is left then are microseconds.

    These are the calls that asyncio makes: the first for what goes out at once, the second, in newer Pythons, for what
    had to wait.
    """

    guard: WriteGuard
    carries_write = False
    """Handshakes and requests that only read need no leave."""

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send bytes, or end the connection."""
        self._ask()
        return super().send(data, flags)

    def sendmsg(self, buffers: Iterable[ReadableBuffer], *others: Any) -> int:  # noqa: ANN401 - never given
        """Send bytes, or end the connection."""
        self._ask()
        return super().sendmsg(buffers, *others)

    def _ask(self) -> None:
        if self.carries_write and not self.guard.permitted():
            raise ConnectionAbortedError
