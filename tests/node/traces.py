"""What a node makes on the machine itself: cgroups, and empty folders to mount on. Used by `node`.

It is all that does not vanish with the node's namespaces. Touched only by who holds the lock: to take away a folder
that is mounted on in some namespace would end the mount there.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from node import cgroups

FOLDERS: Final = (
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
"""Where containerd, the kubelet and the CNI plugins keep their state, some of it by fixed paths. In the node each one
is a file system in memory."""


def make() -> None:
    """Make all of it."""
    for path in FOLDERS:
        Path(path).mkdir(parents=True, exist_ok=True)
    cgroups.make()


def remove() -> None:
    """Remove all of it, but for folders that something else uses."""
    cgroups.remove()
    for path in FOLDERS:
        with contextlib.suppress(OSError):  # it is not there, or not empty
            Path(path).rmdir()


def left() -> list[Path]:
    """Return what there is of it."""
    return [
        *cgroups.left(),
        *(folder for name in FOLDERS if (folder := Path(name)).is_dir() and not any(folder.iterdir())),
    ]
