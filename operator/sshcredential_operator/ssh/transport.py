"""paramiko's Transport, held to bounds: what a server says costs little, is believed only as far as it is proven.

Used by `dial.py`. All that is touched of paramiko's private parts is touched here and in `authentication.py`, and
`tests/contract/test_paramiko_seam.py` holds the pinned version to it. None of paramiko's log records is ever made:
they quote servers.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Final

from paramiko import Message, SSHException, Transport  # type: ignore[import-untyped]  # it has no types
from paramiko.packet import Packetizer  # type: ignore[import-untyped]  # it has no types
from paramiko.ssh_exception import IncompatiblePeer  # type: ignore[import-untyped]  # it has no types

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.signing import type_of
from sshcredential_operator.ssh.stream import BoundedStream

LONGEST_PACKET: Final = 256 * 1024 + 64
"""As OpenSSH's own limit, with room for padding and MAC."""
LONGEST_HOST_KEY: Final = 32 * 1024
JOIN: Final = 5.0
"""Seconds in which a connection's thread has ended after its stream is closed; it takes milliseconds."""

_LONGEST_LINE: Final = 1024  # 255 by RFC 4253, section 4.2
_MOST_LINES: Final = 100
_MOST_EXTENSIONS: Final = 64
_PADDED: Final = 8
_EXT_INFO: Final = 7  # RFC 8308
_DISABLED: Final = {
    # Its group is the server's choice, and computing with it costs what the server likes.
    "kex": ["diffie-hellman-group-exchange-sha256"],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
}
_TURNED_AWAY: Final = (b"Exceeded MaxStartups", b"Not allowed at this time")
"""What OpenSSH says instead of its version, before it closes, when it has too many connections."""

_LOGGERS: Final = ("paramiko", "paramiko.transport", "paramiko.transport.sftp", "paramiko.sftp")

for _name in _LOGGERS:
    logging.getLogger(_name).disabled = True  # whatever a level or a handler says


class Broken(SSHException):  # type: ignore[misc]  # it has no types
    """The server breaks the protocol, or is none; raised in the connection's thread, without a text."""

    def __init__(self, reason: TargetReason) -> None:
        super().__init__()
        self.reason = reason


class StrictMessage(Message):  # type: ignore[misc]  # it has no types
    """Gives what is in the message. paramiko's own makes up to 1 MiB of zeros for each length that is not there."""

    def get_bytes(self, n: int) -> bytes:
        """Return the next `n` bytes; a last number or flag that is missing is 0, as some servers leave them away."""
        data: bytes = self.packet.read(n)
        if len(data) == n:
            return data
        if n > _PADDED:
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        return data.ljust(n, b"\0")


class StrictPacketizer(Packetizer):  # type: ignore[misc]  # it has no types
    """Takes packets of a reasonable size. Its stream knows the deadline, so there is no timer."""

    def start_handshake(self, timeout: float) -> None:
        """Start no thread that would outlive the visit."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 - paramiko calls it so
        """Read exactly `n` bytes, where nobody in his right mind says more than OpenSSH."""
        if n > LONGEST_PACKET:
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        data: bytes = super().read_all(n, check_rekey)
        return data

    def read_message(self) -> tuple[int, Message]:
        """Read one message; see StrictMessage."""
        kind, message = super().read_message()
        strict = StrictMessage(message.asbytes())
        strict.seqno = message.seqno
        return kind, strict


class Connection(Transport):  # type: ignore[misc]  # it has no types
    """One connection as a client: `negotiate`, look at `host_key_blob`, log in, `close`."""

    _CLIENT_ID = "sshcredential"

    def __init__(self, stream: BoundedStream, deadline: Deadline, host_key_algorithms: tuple[str, ...]) -> None:
        known = [name for name in host_key_algorithms if name in self._key_info]
        super().__init__(stream, disabled_algorithms=_DISABLED, packetizer_class=StrictPacketizer)
        self.stream = stream
        self.deadline = deadline
        self.after_login = 0
        """Bytes that the server may send once somebody is logged in, beside what is left then."""
        self.host_key_blob: bytes | None = None
        """The host key, or certificate, that the server has proven to hold."""
        self._host_key_algorithms = tuple(known)
        self.clear_to_send_timeout = deadline.remaining()
        self.channel_timeout = deadline.remaining()
        self._handler_table[_EXT_INFO] = self._parse_ext_info  # the table holds paramiko's own by now

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host key algorithms to offer, in the order in which they were given."""
        return self._host_key_algorithms

    def negotiate(self) -> TargetReason | None:
        """Exchange versions and keys; None: `host_key_blob` is proven, and nothing was judged or sent yet."""
        done = threading.Event()
        self.start_client(event=done)
        done.wait(self.deadline.remaining() + JOIN)
        if self.is_active() and self.initial_kex_done:
            return None
        return self.reason_of_end()

    def say(self, message: bytes) -> None:
        """Send a message that begins with its number. That the connection is over shows in the answer."""
        with contextlib.suppress(EOFError, OSError, SSHException):
            self._send_message(Message(message))

    def reason_of_end(self) -> TargetReason:
        """Tell why the connection is over, or why an answer did not come."""
        error = self.get_exception()
        if isinstance(error, Broken):
            return error.reason
        if isinstance(error, IncompatiblePeer):
            return TargetReason.NO_COMMON_ALGORITHM
        if self.stream.trouble:
            return self.stream.trouble
        if self.deadline.passed():
            return TargetReason.TIMED_OUT
        if error is None or isinstance(error, EOFError | OSError):
            return TargetReason.CONNECTION_LOST
        return TargetReason.NOT_AN_SSH_SERVER

    def close(self) -> None:
        """End the connection and its thread, whatever it is doing."""
        self.stream.close()
        super().close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(JOIN)

    def _parse_ext_info(self, msg: Message) -> None:
        """Read what paramiko would read as often as the server says: up to four thousand million times."""
        count = msg.get_int()
        if count > _MOST_EXTENSIONS:
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        self.server_extensions = {bytes(msg.get_string()): bytes(msg.get_string()) for _ in range(count)}

    def _check_banner(self) -> None:
        """Read the server's version (RFC 4253, section 4.2), and what it may say before."""
        line = next((line for _ in range(_MOST_LINES) if (line := self._line()).startswith(b"SSH-")), b"")
        if not line.startswith((b"SSH-2.0-", b"SSH-1.99-")) or not line.isascii():
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        self.remote_version = line.decode("ascii")

    def _line(self) -> bytes:
        line = self.stream.line(_LONGEST_LINE)
        if line is None and self.stream.received_nothing():
            raise Broken(TargetReason.CONNECTION_LOST)
        if line is None:
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        if line.startswith(_TURNED_AWAY):
            raise Broken(TargetReason.CONNECTION_LOST)
        return line

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """Make sure that the server holds the key that it shows, and shows the same one as before."""
        if len(host_key) > LONGEST_HOST_KEY or type_of(host_key) != _blob_type(self.host_key_type):
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        key = self._key_info[self.host_key_type](StrictMessage(host_key))
        if not key.verify_ssh_sig(self.H, StrictMessage(sig)) or self.host_key_blob not in {None, host_key}:
            raise Broken(TargetReason.NOT_AN_SSH_SERVER)
        self.host_key, self.host_key_blob = key, host_key


def _blob_type(algorithm: str) -> bytes:
    """Return the type that a key, or certificate, of this host key algorithm begins with (RFC 8332, section 3)."""
    return algorithm.replace("rsa-sha2-512", "ssh-rsa").replace("rsa-sha2-256", "ssh-rsa").encode("ascii")
