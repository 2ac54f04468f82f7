"""Who listens on the machine's own addresses, as the kernel tells it. Used by the node's tests."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from controlplane.processes import look

PROCESSES: Final = Path("/proc")
TABLES: Final = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The tables of sockets in /proc/net, and the state in which one takes what comes from anybody."""


class Listener(NamedTuple):
    """A socket that takes what comes, and the process that holds it."""

    address: str
    port: int
    pid: int


def listeners() -> list[Listener]:
    """Return every listening socket in the machine's network, once for each process that holds it."""
    holders: dict[str, list[int]] = {}
    for pid, inode in _sockets():
        holders.setdefault(inode, []).append(pid)
    return [
        Listener(*_address(local), pid)
        for table, listening in TABLES.items()
        for local, state, inode in _rows(table)
        if state == listening
        for pid in holders.get(inode, [])
    ]


def processes_in(first: int) -> set[int]:
    """Return all processes of a node, by the first of its namespaces, with those of its containers."""
    space = _space(first)
    inside = {pid for pid in _pids() if _space(pid) == space}
    # Containers have namespaces of their own, further in, and come from what runs in the node's.
    parents = {pid: seen.parent for pid in _pids() if (seen := look(pid))}
    while more := {pid for pid, parent in parents.items() if parent in inside} - inside:
        inside |= more
    return inside


def _space(pid: int) -> Path | None:
    try:
        return (PROCESSES / str(pid) / "ns" / "pid").readlink()
    except OSError:  # it has ended, or belongs to somebody greater
        return None


def _rows(table: str) -> Iterator[tuple[str, str, str]]:
    for line in (PROCESSES / "net" / table).read_text().splitlines()[1:]:
        fields = line.split()
        yield fields[1], fields[3], fields[9]


def _sockets() -> Iterator[tuple[int, str]]:
    for pid in _pids():
        try:
            links = [str(link.readlink()) for link in (PROCESSES / str(pid) / "fd").iterdir()]
        except OSError:  # it has ended, or belongs to somebody greater
            continue
        for link in links:
            if found := re.fullmatch(r"socket:\[(\d+)\]", link):
                yield pid, found[1]


def _pids() -> list[int]:
    return [int(folder.name) for folder in PROCESSES.glob("[0-9]*")]


def _address(local: str) -> tuple[str, int]:
    """Read what the kernel writes: words of the address in the machine's own byte order, and the port."""
    words, port = local.split(":")
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)
