"""A socket, or a channel of a jump host, that ends with the visit's deadline and gives a bounded number of bytes.

paramiko reads through it in a thread of its own. What it reads without a bound of its own (lines before the version,
packets of a length that the server names) costs at most the budget, and waiting for more at most the deadline.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final, Protocol

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.deadline import Deadline

BEFORE_LOGIN: Final = 256 * 1024
"""Bytes that a server may send before anybody is logged in; OpenSSH sends about 3 kB."""

_MOST_AT_ONCE: Final = 64 * 1024


class Wire(Protocol):
    """What a socket and a channel of paramiko have in common."""

    def recv(self, nbytes: int, /) -> bytes:
        """Read."""

    def send(self, data: bytes, /) -> int:
        """Write, as much as fits."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Bound each of both."""

    def shutdown(self, how: int, /) -> None:
        """End it, so that a reader wakes up."""

    def close(self) -> None:
        """Free it."""


class BoundedStream:
    """Has of a socket what paramiko's Transport uses. `trouble` is the first reason that it ended for, if it did."""

    def __init__(self, wire: Wire, deadline: Deadline) -> None:
        self._wire = wire
        self._deadline = deadline
        self._left = BEFORE_LOGIN
        self._unread = b""
        self._closed = False  # this name is asked for by paramiko
        self.trouble: TargetReason | None = None

    def allow(self, more: int) -> None:
        """Let the server send so many bytes more."""
        self._left += more

    def recv(self, most: int) -> bytes:
        """Return at most so many bytes, or b"" at the end. TimeoutError only says that there is nothing yet."""
        if self._unread:
            taken, self._unread = self._unread[:most], self._unread[most:]
            return taken
        return self._receive(most)

    def line(self, longest: int) -> bytes | None:
        """Return the next line without its end; None when the server ends before, or the line is longer."""
        while b"\n" not in self._unread:
            if len(self._unread) > longest:
                return None
            with contextlib.suppress(TimeoutError):
                if not (more := self._receive(longest)):
                    return None
                self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return None if len(line) > longest else line.removesuffix(b"\r")

    def received_nothing(self) -> bool:
        """Tell whether the server has not sent a single byte."""
        return self._left == BEFORE_LOGIN

    def send(self, data: bytes) -> int:
        """Write as much as fits; TimeoutError only says that nothing fits yet."""
        self._check()
        try:
            return self._wire.send(data)
        except TimeoutError:
            raise
        except OSError:
            self._end(TargetReason.CONNECTION_LOST)
            raise EOFError from None

    def settimeout(self, timeout: float | None) -> None:
        """Bound each single wait."""
        self._wire.settimeout(timeout)

    def close(self) -> None:
        """End the connection; whoever waits in `recv` wakes up."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            self._wire.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError, EOFError):
            self._wire.close()

    def _receive(self, most: int) -> bytes:
        self._check()
        try:
            data = self._wire.recv(min(most, _MOST_AT_ONCE, self._left + 1))
        except TimeoutError:
            self._check()
            raise
        except OSError:
            data = b""
        self._left -= len(data)
        if not data:
            self._end(TargetReason.CONNECTION_LOST)
        elif self._left < 0:
            self._end(TargetReason.NOT_AN_SSH_SERVER)
            return b""
        return data

    def _check(self) -> None:
        """Raise EOFError, which paramiko takes for the end of the connection, when there is nothing to wait for."""
        if self._closed:
            raise EOFError
        if self._deadline.passed():
            self._end(TargetReason.TIMED_OUT)
            raise EOFError

    def _end(self, reason: TargetReason) -> None:
        if not self._closed:  # what comes after our own end says nothing of the server
            self.trouble = self.trouble or reason
