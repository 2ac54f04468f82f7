"""The way to a server: its name looked up once, its address judged and connected to, or a channel of a jump host.

Used by `client.py`. Each hop is proven by its own host key before anything is said to it.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from paramiko import ChannelException, SSHException  # type: ignore[import-untyped]  # it has no types

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.encryption.public_line import fingerprint_of
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.destinations import Address, Destinations
from sshcredential_operator.ssh.lookup import addresses_of
from sshcredential_operator.ssh.stream import BoundedStream, Wire
from sshcredential_operator.ssh.transport import Connection
from sshcredential_operator.ssh.trouble import VisitEnded, ended
from sshcredential_operator.ssh.visit import Failed, Hop, OfferedKey, Visited

LONGEST_VERSION: Final = 128

_CONNECT_FAILED: Final = 2  # SSH_OPEN_CONNECT_FAILED (RFC 4254, section 5.1)
_REASONS: Final[Mapping[int | None, TargetReason]] = {
    errno.ECONNREFUSED: TargetReason.CONNECTION_REFUSED,
    errno.ECONNRESET: TargetReason.CONNECTION_LOST,
    errno.ETIMEDOUT: TargetReason.TIMED_OUT,
}
_TELLING: Final = (
    TargetReason.CONNECTION_REFUSED,
    TargetReason.CONNECTION_LOST,
    TargetReason.TIMED_OUT,
    TargetReason.HOST_UNREACHABLE,
)
"""Of several addresses, what the first of these says is what a person needs."""


def connect(hop: Hop, deadline: Deadline, allowed: Destinations) -> Wire:
    """Connect to the first hop, address after address, each judged just before; or end the visit."""
    addresses = [a for a in addresses_of(hop.host, deadline) if allowed.allow(hop.host, a, hop.port)]
    if not addresses:
        raise ended(TargetReason.DESTINATION_REFUSED)
    reasons = set[TargetReason]()
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        connected = _connect(address, hop.port, deadline.remaining() / left)
        if isinstance(connected, socket.socket):
            return connected
        reasons.add(connected)
        if deadline.passed():
            break
    raise ended(next(reason for reason in _TELLING if reason in reasons))


def channel_through(jump: Connection, hop: Hop, allowed: Destinations) -> Wire:
    """Ask a jump host to connect to the next hop; or end the visit, with what that means for the next hop.

    PermissionError when it is the jump host that will not do so at all.
    """
    if not allowed.allow_through(hop.host, hop.port):
        raise ended(TargetReason.DESTINATION_REFUSED)
    try:
        channel: Wire = jump.open_channel(
            "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=jump.deadline.remaining()
        )
    except ChannelException as refused:
        if refused.code == _CONNECT_FAILED:
            raise ended(TargetReason.HOST_UNREACHABLE) from None
        raise PermissionError from None
    except (SSHException, EOFError, OSError):
        raise ended(jump.reason_of_end()) from None
    return channel


def proven(hop: Hop, wire: Wire, deadline: Deadline, connections: ExitStack) -> tuple[Connection, Visited]:
    """Exchange keys and judge the host key; nobody has logged in yet, and no credential was offered.

    The connection is closed with `connections`.
    """
    connection = Connection(BoundedStream(wire, deadline), deadline, hop.trust.algorithms())
    connections.callback(connection.close)
    reason = connection.negotiate()
    version = printable(connection.remote_version)
    if reason:
        raise VisitEnded(Failed(reason, server_version=version or None))
    offered = _offered(connection)
    if distrust := hop.trust.judge(connection.host_key_blob or b""):
        facts = {"fault": str(distrust.fault)} if distrust.fault else {}
        raise VisitEnded(Failed(distrust.reason, facts, offered, version))
    return connection, Visited(offered, version)


def printable(version: str) -> str:
    """Return what follows `SSH-2.0-`, as much of it as anybody may see: printable ASCII, 128 characters at most."""
    software = version.split("-", 2)[-1]
    return "".join(c for c in software if c.isascii() and c.isprintable())[:LONGEST_VERSION].strip()


def _connect(address: Address, port: int, seconds: float) -> socket.socket | TargetReason:
    try:
        connected = socket.create_connection((str(address), port), timeout=max(seconds, 0.001))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError:
        return TargetReason.TIMED_OUT
    except OSError as error:
        return _REASONS.get(error.errno, TargetReason.HOST_UNREACHABLE)
    return connected


def _offered(connection: Connection) -> OfferedKey:
    """Return the host key that was proven; of a certificate, the key that it certifies."""
    key = connection.host_key
    return OfferedKey(key.get_name(), fingerprint_of(key.asbytes()), f"{key.get_name()} {key.get_base64()}")
