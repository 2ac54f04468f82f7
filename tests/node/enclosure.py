"""The namespaces in which a node lives: network, mounts and processes of its own. Used by `node` and `standing`.

All that runs and is mounted in there vanishes with its first process, even when that was killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane import processes
from controlplane.binaries import Command
from controlplane.processes import Daemon
from controlplane.readiness import NotReady
from controlplane.waiting import TimedOut, wait_until
from node.programs import PATH, path_of

FIRST: Final = Path(__file__).with_name("first.py")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The namespaces, by their first process and the one that watches over it."""

    keeper: Daemon
    first: Daemon

    @classmethod
    def open(cls, folder: Path, in_memory: Sequence[str]) -> Enclosure:
        """Make the namespaces, with file systems in memory mounted on some folders of the machine.

        `folder` takes the log. Every inheritable descriptor is held inside as long as the namespaces last.
        """
        ready, log = folder / "first.pid", folder / "first.log"
        ready.unlink(missing_ok=True)
        namespaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private")
        script = (sys.executable, "-I", str(FIRST), str(ready), *in_memory)
        keeper = processes.start((path_of("unshare"), *namespaces, "--", *script), log)
        try:
            wait_until(lambda: ready.exists() or not keeper.is_running(), "the namespaces are made")
            pid = int(ready.read_text())
        except (FileNotFoundError, TimedOut):
            processes.kill(keeper)
            raise NotReady(f"the node's namespaces could not be made:\n{keeper.log_tail()}") from None
        seen = processes.look(pid)
        return cls(keeper, Daemon(pid, seen.born if seen else "", log))

    @property
    def network(self) -> Command:
        """What a command line begins with to run in the node's network only, as a process of the machine."""
        return (path_of("nsenter"), f"--net=/proc/{self.first.pid}/ns/net", "--", *_WITH_PATH)

    @property
    def whole(self) -> Command:
        """What a command line begins with to run inside: it sees its mounts and processes, and ends with it."""
        enter = ("--target", str(self.first.pid), "--net", "--mount", "--pid")
        return (path_of("nsenter"), *enter, "--", *_WITH_PATH)


_WITH_PATH: Final = ("/usr/bin/env", f"PATH={PATH}")


def close(first: Daemon, keeper: Daemon) -> None:
    """End everything inside. Return when all of it is gone."""
    # The kernel tells the end of this process when all others of its namespace have ended.
    processes.kill(first)
    processes.kill(keeper)
