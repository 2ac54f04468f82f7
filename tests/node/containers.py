"""Finds the processes of containers from the outside, as the machine numbers them. Used by `node`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

PROCESSES: Final = Path("/proc")


class Process(NamedTuple):
    """A process of a container: its id on the machine, and the one it sees itself."""

    pid: int
    inner: int


def processes_of(container: str) -> list[Process]:
    """Return the living processes of a container, by the containerd id in its cgroup's name; its first one first."""
    found = [seen for folder in PROCESSES.glob("[0-9]*") if (seen := _seen(folder, container))]
    return sorted(found, key=lambda process: process.inner)


def _seen(folder: Path, container: str) -> Process | None:
    try:
        if container not in (folder / "cgroup").read_text():
            return None
        status = (folder / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return None
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if fields["State"].startswith("Z"):
        return None
    # Its ids in every namespace of processes, from the machine's to its own.
    return Process(int(folder.name), int(fields["NSpid"].split()[-1]))
