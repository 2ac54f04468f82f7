"""The first process of a node's namespaces: makes its mounts, then takes over and reaps whom others leave behind.

Started by `enclosure` as a script of its own, with the standard library only. When it ends, however that happens, the
kernel ends every other process in there, and the mounts and the network go with them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

MARK = "sshcredential-node"
"""What the mounts show as their source."""


def main(ready: Path, folders: list[str]) -> None:
    """Mount, write this process's id into the file `ready`, and reap for ever."""
    # Until /proc is mounted anew, it tells the id that the machine knows.
    identifier = str(Path("/proc/self").readlink())
    # What the kubelet mounts is to be seen by containers; the machine outside sees nothing of it.
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    for folder in folders:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", MARK, folder], check=True)
    unfinished = ready.with_suffix(".new")
    unfinished.write_text(identifier)
    unfinished.rename(ready)
    reap_for_ever()


def reap_for_ever() -> None:
    """Wait for the end of children, of which most were never ours."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            signal.sigwait({signal.SIGCHLD})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
