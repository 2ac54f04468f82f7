"""Ends a control plane whose owner was killed, so that an aborted test run leaves no process behind. Used by `plane`.

A pipe tells: the kernel closes it when the owner ends, however that happens. The usual PR_SET_PDEATHSIG would not do:
it strikes when the starting *thread* ends, and tests start and stop API servers in threads.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from controlplane.places import SOURCES
from controlplane.processes import Daemon, kill


class Guard:
    """A process that outlives its owner by a moment. It is told of every process to end then."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent)}
        command = [sys.executable, "-m", "controlplane.guard"]
        actions = [(os.POSIX_SPAWN_DUP2, reading, 0)]
        self._pid = os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=True)
        os.close(reading)

    def watch(self, daemon: Daemon) -> None:
        """End this process, too, when the owner is gone."""
        line = json.dumps([daemon.pid, daemon.born]) + "\n"
        os.write(self._writing, line.encode())

    def dismiss(self) -> None:
        """End the guard, and with it what it watches."""
        os.close(self._writing)
        os.waitpid(self._pid, 0)


def end_when_owner_is_gone(lines: Iterable[str]) -> None:
    """Read what to watch until the pipe is closed, then end it all."""
    watched = [json.loads(line) for line in lines]
    for pid, born in reversed(watched):
        kill(Daemon(pid, born, Path(os.devnull)))


if __name__ == "__main__":
    end_when_owner_is_gone(sys.stdin)
