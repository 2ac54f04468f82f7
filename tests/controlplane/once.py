"""Makes a file once, however many processes ask for it at the same time. Used by the builder for the one binary."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from controlplane.progress import Progress, say

POLL_SECONDS: Final = 0.2
UNFINISHED: Final = ".making-"


def make_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Return `target`, calling `make` with a path to fill if it does not exist yet.

    The file appears under its name only when it is complete. A second caller, in this process or in another, waits for
    the first and takes over if the first fails. What `make` raises is passed on, and leaves nothing behind.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(target.name + ".lock"), f"another process is making {target}"):
        if not target.exists():
            for abandoned in target.parent.glob(UNFINISHED + "*"):  # by one that was killed: the lock is ours
                shutil.rmtree(abandoned)
            # In the same folder, so that the rename is atomic.
            with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=target.parent) as folder:
                unfinished = Path(folder) / target.name
                make(unfinished)
                unfinished.replace(target)
    return target


@contextmanager
def locked(path: Path, while_waiting: str) -> Iterator[None]:
    """Hold the lock file at `path`. The kernel lets go of it when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not lock_at_once(descriptor):
            _wait_for_lock(descriptor, while_waiting)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, while_waiting: str) -> None:
    say(f"{while_waiting}; waiting for it")
    progress = Progress(while_waiting)
    while not lock_at_once(descriptor):
        progress.tick("still waiting")
        time.sleep(POLL_SECONDS)


def lock_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
