"""Starts and ends the parts of a control plane, and knows them again. Used by `plane`, `standing`, `guard`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

PATIENCE_SECONDS: Final = 20.0
"""How long a process may take to end after SIGTERM, before it is killed."""

ENDED: Final = frozenset({"Z", "X"})
"""States of a process that ended: a zombie whose parent does not reap it, dead."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that was started here, or by an earlier command on this machine.

    `born` tells it from any other process that ever has the same id. A command line would not: it changes when a script
    starts the real program, and two control planes may have the same.
    """

    pid: int
    born: str
    log: Path

    def is_running(self) -> bool:
        """Tell whether it still runs. A zombie does not, nor does another process that got the same id."""
        _reap(self.pid)
        now = look(self.pid)
        return now is not None and now.state not in ENDED and now.born == self.born

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of its log, to show why it ended."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"


def start(command: tuple[str, ...], log: Path) -> Daemon:
    """Start a process in a session of its own, so that a Ctrl-C meant for the caller does not reach it."""
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
    new = look(pid)
    # Even one that ended at once is still there, as a zombie: nobody else reaps it.
    return Daemon(pid, new.born if new else "", log)


def stop(daemon: Daemon, patience: float = PATIENCE_SECONDS) -> None:
    """End a process and wait until it is gone. Nothing happens if it is not running any more."""
    _end(daemon, {signal.SIGTERM: patience, signal.SIGKILL: PATIENCE_SECONDS})


def kill(daemon: Daemon) -> None:
    """End a process like a crash does, without giving it time for anything, and wait until it is gone."""
    _end(daemon, {signal.SIGKILL: PATIENCE_SECONDS})


def _end(daemon: Daemon, signals: Mapping[signal.Signals, float]) -> None:
    try:
        # A descriptor stays with its process: an id could go to another one between the check and the signal.
        descriptor = os.pidfd_open(daemon.pid)
    except ProcessLookupError:
        return
    try:
        if daemon.is_running():
            for number, patience in signals.items():
                signal.pidfd_send_signal(descriptor, number)
                if _ended_within(descriptor, patience):
                    break
    except ProcessLookupError:
        pass  # it ended by itself in this moment
    finally:
        os.close(descriptor)
        _reap(daemon.pid)


def _ended_within(descriptor: int, seconds: float) -> bool:
    """Wait for the end of a process. Its descriptor becomes readable even if nobody reaps the zombie."""
    readable, _, _ = select.select([descriptor], [], [], seconds)
    return bool(readable)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # started by an earlier command, or reaped before
        os.waitpid(pid, os.WNOHANG)


class Look(NamedTuple):
    """What the kernel tells of a process: the letter of its state, its birth, and the id of its parent."""

    state: str
    born: str
    parent: int


def look(pid: int) -> Look | None:
    """Return what is known of a process, or None if there is none. Its birth is in ticks since the machine started."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name comes before the rest, in parentheses, and may itself hold any character.
    fields = status.rpartition(") ")[2].split()
    return Look(fields[0], f"{BOOT_ID.read_text().strip()}/{fields[19]}", int(fields[1]))
