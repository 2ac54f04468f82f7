"""Install a credential's keys on a server: the visit `arrange`. Called in threads, by `controller/targets`.

SFTP where the server has it, else a shell. The file is the old or the new one at every moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from paramiko import ChannelException, SSHException  # type: ignore[import-untyped]  # it has no types

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.authorized_keys import MAX_BYTES
from sshcredential_operator.ssh.client import Session, session
from sshcredential_operator.ssh.destinations import Destinations
from sshcredential_operator.ssh.install_causes import InstallCause, NotInstalled
from sshcredential_operator.ssh.outcome import Outcome
from sshcredential_operator.ssh.sftp import UNSUPPORTED, Nonsense, Refused, Sftp
from sshcredential_operator.ssh.sftp_arranging import arrange_by_sftp
from sshcredential_operator.ssh.shell_arranging import LOADER, arrange_by_shell
from sshcredential_operator.ssh.visit import Arranged, Arrangement, Failed, Login, Route

MOST_BYTES: Final = 16 * MAX_BYTES
"""What a server may send: the largest file, some times over, since it is compared before and after it is replaced."""
_CHANNEL_ATTEMPTS: Final = 5
_PAUSE: Final = 0.1


def arrange(route: Route, login: Login, arrangement: Arrangement, destinations: Destinations) -> Arranged | Failed:
    """Log in and bring ~/.ssh/authorized_keys into order."""
    with session(route, login, destinations, most_bytes=MOST_BYTES) as at:
        return at if isinstance(at, Failed) else arrange_in(at, arrangement)


def arrange_in(at: Session, arrangement: Arrangement) -> Arranged | Failed:
    """Do so over a connection that is logged in."""
    try:
        outcome = _by_sftp(at, arrangement) or _by_shell(at, arrangement)
    except NotInstalled as refused:
        told = refused.failed
        if at.deadline.passed():
            return at.failed()
        return replace(told, offered=at.visited.host_key, server_version=at.visited.server_version)
    except ChannelException:
        return replace(at.failed(), reason=TargetReason.CHANNEL_REFUSED)
    except (SSHException, EOFError, OSError):
        return at.failed()
    edited = outcome.edited
    return Arranged(at.visited, outcome.changed, edited.ours, edited.by_hand, edited.removed)


def _by_sftp(at: Session, arrangement: Arrangement) -> Outcome | None:
    """Return None where SFTP is refused, is something else, or cannot replace a file in one step."""
    with _channel(at) as channel:
        try:
            channel.invoke_subsystem("sftp")
            sftp = Sftp(channel)
        except (Nonsense, SSHException, EOFError):
            _unless_over(at)
            return None
        try:
            return arrange_by_sftp(sftp, arrangement, at.deadline)
        except Nonsense:
            raise NotInstalled(InstallCause.NONSENSE) from None
        except Refused as refused:
            if refused.code == UNSUPPORTED:
                return None
            raise NotInstalled(InstallCause.CANNOT_WRITE) from None


def _by_shell(at: Session, arrangement: Arrangement) -> Outcome:
    @contextmanager
    def started() -> Iterator[Any]:
        with _channel(at) as channel:
            try:
                channel.exec_command(LOADER)
            except SSHException:
                _unless_over(at)
                raise NotInstalled(InstallCause.NO_SHELL) from None
            yield channel

    return arrange_by_shell(started, arrangement, at.deadline)


def _unless_over(at: Session) -> None:
    if not at.transport.is_active():
        raise EOFError


@contextmanager
def _channel(at: Session) -> Iterator[Any]:
    channel = _opened(at, _CHANNEL_ATTEMPTS)
    channel.settimeout(at.deadline.remaining())
    try:
        yield channel
    finally:
        channel.close()


def _opened(at: Session, attempts: int) -> Any:  # noqa: ANN401 - a channel of the library, which has no types
    """Open a session; more than once, since a server that allows one at a time may still be ending the one before."""
    try:
        return at.transport.open_session(timeout=at.deadline.remaining())
    except ChannelException:
        if attempts <= 1:
            raise
    time.sleep(_PAUSE)
    return _opened(at, attempts - 1)
