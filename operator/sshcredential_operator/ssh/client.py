"""Visits to a server: log in, ask about keys, or have a connection to work on. Called in threads by `targets`.

Nothing here raises for what a server does: the answer is `Failed` then. Each visit ends within the route's timeout, and
its threads with it. No private key or password is offered before the host key is judged, none is logged or written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from paramiko import ChannelException, SSHException, Transport  # type: ignore[import-untyped]  # it has no types

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.encryption.public_line import fingerprint_of
from sshcredential_operator.ssh.authentication import Authentication, Said
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.destinations import Destinations
from sshcredential_operator.ssh.dial import channel_through, connect, proven
from sshcredential_operator.ssh.signing import blob_of, signer
from sshcredential_operator.ssh.stream import BEFORE_LOGIN, Wire
from sshcredential_operator.ssh.transport import Connection
from sshcredential_operator.ssh.trouble import VisitEnded, at_jump
from sshcredential_operator.ssh.visit import Failed, Hop, Login, Password, PrivateKey, Queried, Route, Visited

AFTER_LOGIN: Final = 4 * 1024 * 1024
"""Bytes that a server may send after the login, where nothing else is said."""

_KEYS_AT_ONCE: Final = 2  # a server may end a connection at the third key that it does not take
_PACKING: Final = 4
"""How many times as many bytes a jump host sends as the connection through it has."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection that is logged in. It is closed, with its thread, at the end of `session`'s block."""

    transport: Transport
    visited: Visited
    deadline: Deadline

    def failed(self) -> Failed:
        """Say why the connection is over or does not answer: after an SSHException, an EOFError or an OSError."""
        reason = self.transport.reason_of_end()
        return Failed(reason, {}, self.visited.host_key, self.visited.server_version)


@contextmanager
def session(
    route: Route, login: Login, destinations: Destinations, *, most_bytes: int = AFTER_LOGIN
) -> Iterator[Session | Failed]:
    """Log in, for as long as the block lasts; or say why not. `most_bytes` is what the server may send then."""
    deadline = Deadline.after(route.timeout)
    with ExitStack() as open_connections:
        try:
            connection, visited = _way(route, deadline, destinations, most_bytes, open_connections)
            connection.after_login = most_bytes
            _log_in(connection, visited, route.target, login)
            opened: Session | Failed = Session(connection, visited, deadline)
        except VisitEnded as end:
            opened = end.failed
        yield opened


def login(route: Route, key: PrivateKey, destinations: Destinations) -> Visited | Failed:
    """Log in and open a session, in which nothing is run."""
    with session(route, key, destinations, most_bytes=BEFORE_LOGIN) as at:
        if isinstance(at, Failed):
            return at
        try:
            at.transport.open_session(timeout=at.deadline.remaining()).close()
        except ChannelException:
            return replace(at.failed(), reason=TargetReason.CHANNEL_REFUSED)
        except (SSHException, EOFError, OSError):
            return at.failed()
        return at.visited


def query(route: Route, public_keys: tuple[str, ...], destinations: Destinations) -> Queried | Failed:
    """Ask which of these keys the server would accept, without any private key; `type base64 [comment]`."""
    deadline = Deadline.after(route.timeout)
    blobs = tuple(dict.fromkeys(blob for key in public_keys if (blob := blob_of(key))))
    accepted = set[str]()
    visited: Visited | None = None
    for start in range(0, max(len(blobs), 1), _KEYS_AT_ONCE):
        with ExitStack() as open_connections:
            try:
                connection, visited = _way(route, deadline, destinations, 0, open_connections)
                with _told(visited):
                    authentication = Authentication.begun(connection, route.target.username)
                    some = blobs[start : start + _KEYS_AT_ONCE]
                    accepted |= {fingerprint_of(blob) for blob in some if authentication.would_accept(blob)}
            except VisitEnded as end:
                return end.failed
    assert visited  # noqa: S101 - the loop runs at least once
    return Queried(visited, frozenset(accepted))


def _way(
    route: Route, deadline: Deadline, destinations: Destinations, most_bytes: int, open_connections: ExitStack
) -> tuple[Connection, Visited]:
    """Go through all jump hosts and return the target's connection, whose host key is trusted."""
    before: Connection | None = None
    for number, (hop, key) in enumerate(route.jumps):
        try:
            wire = _wire(before, hop, deadline, destinations, route.jumps[number - 1][0])
            before, visited = proven(hop, wire, deadline, open_connections)
            before.after_login = _PACKING * (BEFORE_LOGIN + most_bytes)
            _log_in(before, visited, hop, key)
        except VisitEnded as end:
            raise (end if _is_at_jump(end.failed) else VisitEnded(at_jump(hop, end.failed))) from None
    last = route.jumps[-1][0] if route.jumps else route.target
    wire = _wire(before, route.target, deadline, destinations, last)
    return proven(route.target, wire, deadline, open_connections)


def _wire(before: Connection | None, hop: Hop, deadline: Deadline, destinations: Destinations, last: Hop) -> Wire:
    if before is None:
        return connect(hop, deadline, destinations)
    try:
        return channel_through(before, hop, destinations)
    except PermissionError:
        raise VisitEnded(at_jump(last, Failed(TargetReason.CHANNEL_REFUSED))) from None


def _log_in(connection: Connection, visited: Visited, hop: Hop, login: Login) -> None:
    with _told(visited):
        said = _said(connection, hop, login)
        if said is not Said.YES:
            facts = {"partial": 1} if said is Said.PARTLY else {}
            raise VisitEnded(Failed(TargetReason.AUTHENTICATION_FAILED, facts))


def _said(connection: Connection, hop: Hop, login: Login) -> Said:
    if isinstance(login, Password):
        return Authentication.begun(connection, hop.username).give_password(login.value)
    ready = signer(login)
    if ready is None:
        raise VisitEnded(Failed(TargetReason.KEY_UNAVAILABLE))
    return Authentication.begun(connection, hop.username).sign_in(ready)


@contextmanager
def _told(visited: Visited) -> Iterator[None]:
    """Add to a failure what is known of the server by now."""
    try:
        yield
    except VisitEnded as end:
        failed = replace(end.failed, offered=visited.host_key, server_version=visited.server_version)
        raise VisitEnded(failed) from None


def _is_at_jump(failed: Failed) -> bool:
    return failed.reason is TargetReason.JUMP_FAILED
