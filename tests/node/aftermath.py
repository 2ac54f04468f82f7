"""Holds a node to its promise that nothing of it is left. Used by the `node` fixture, around every run's node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.processes import Daemon, look
from node import traces
from node.first import MARK
from node.listening import processes_in
from node.lock import if_free
from node.node import FIRST, Node


@contextmanager
def nothing_left(node: Node) -> Iterator[Node]:
    """Run the node, and fail afterwards if a process, a mount, a cgroup or a folder of it is still there."""
    with node:
        yield node
        watched = [*node.daemons.values(), *_daemons(processes_in(node.daemons[FIRST].pid))]
    running = [daemon.pid for daemon in watched if daemon.is_running()]
    assert not running, f"processes of the node are still running: {running}"
    assert MARK not in Path("/proc/self/mountinfo").read_text(), "a mount of the node is left"
    with if_free() as ours:  # else they are the next node's
        assert not (ours and traces.left()), f"left on the machine: {traces.left()}"


def _daemons(pids: set[int]) -> list[Daemon]:
    return [Daemon(pid, seen.born, Path()) for pid in pids if (seen := look(pid))]
