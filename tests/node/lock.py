"""Lets one node run on a machine at a time: it takes a gigabyte of memory and most of two processors. Used by `node`.

The node's first process holds the lock, so that the kernel lets go of it exactly when everything in there has ended.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from controlplane.once import POLL_SECONDS, lock_at_once
from controlplane.progress import Progress, say
from node.preflight import NoNode

LOCK: Final = Path("/run/sshcredential-node.lock")


@contextmanager
def one_node(folder: Path, *, standing: bool, lock: Path = LOCK) -> Iterator[int]:
    """Hold the machine's lock, and yield the descriptor that keeps it held in whichever process inherits it.

    Waits while the tests of another checkout have the node. Raises `NoNode` if a node stands that somebody has to end.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not lock_at_once(descriptor):
            _wait(descriptor, lock)
        lock.write_text(json.dumps({"folder": str(folder), "standing": standing}))
        os.set_inheritable(descriptor, True)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def if_free(lock: Path = LOCK) -> Iterator[bool]:
    """Hold the lock if nobody else does, and tell whether that is so."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock_at_once(descriptor)
    finally:
        os.close(descriptor)


def _wait(descriptor: int, lock: Path) -> None:
    _refuse_to_wait_for_a_standing_one(lock)
    what = "another test run has the one node of this machine"
    say(f"{what}; waiting for its end")
    progress = Progress(what)
    while not lock_at_once(descriptor):
        _refuse_to_wait_for_a_standing_one(lock)
        progress.tick("still waiting")
        time.sleep(POLL_SECONDS)


def _refuse_to_wait_for_a_standing_one(lock: Path) -> None:
    try:
        holder = json.loads(lock.read_text())
    except ValueError:  # it is being written
        return
    if holder["standing"]:
        raise NoNode(f"a node stands already, in {holder['folder']}: end it with `make node-down` in its checkout")
