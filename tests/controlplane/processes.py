"""Starts and ends the parts of a control plane, known by process id and command line. Used by `plane`, `standing`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE_SECONDS: Final = 20.0
"""How long a process may take to end after SIGTERM, before it is killed."""

GONE: Final = frozenset({None, "Z", "X"})
"""States of a process that ended: no entry, a zombie whose parent does not reap it, dead."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that was started here, or by an earlier command on this machine."""

    pid: int
    command: tuple[str, ...]
    log: Path

    def is_running(self) -> bool:
        """Tell whether it still runs. A zombie does not, nor does another process that got the same id."""
        _reap(self.pid)
        return _state(self.pid) not in GONE and _command_line(self.pid) == self.command

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
    # A new process shows its command line only a moment later; until then it would be taken for another one.
    while not _command_line(pid) and _state(pid) not in GONE:
        time.sleep(0.001)
    return Daemon(pid, command, log)


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


def _state(pid: int) -> str | None:
    """Return the letter of the process's state, or None if there is no such process."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name comes before it, in parentheses, and may itself hold any character.
    return status.rpartition(") ")[2][:1]


def _command_line(pid: int) -> tuple[str, ...]:
    try:
        content = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return tuple(os.fsdecode(part) for part in content.split(b"\0")[:-1])
