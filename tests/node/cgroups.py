"""The cgroups below which the kubelet keeps those of its pods. Used by `traces` and `preflight`.

They are the one thing of a node that does not vanish with its namespaces.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path
from typing import Final

from controlplane.waiting import wait_until

NAME: Final = "sshcredential-node"
MOUNTS: Final = Path("/proc/self/mountinfo")
KINDS: Final = frozenset({"cgroup", "cgroup2"})


def roots(mountinfo: str) -> list[Path]:
    """Return where the hierarchies are mounted: one of the second version, or many of the first."""
    lines = [line.split(" ") for line in mountinfo.splitlines()]
    # The kind comes after a lone dash, since optional fields stand before it.
    return [Path(fields[4]) for fields in lines if fields[fields.index("-") + 1] in KINDS]


def may_be_made() -> bool:
    """Tell whether cgroups are mounted, and may be written to."""
    mounted = roots(MOUNTS.read_text())
    return bool(mounted) and all(os.access(root, os.W_OK) for root in mounted) and not _read_only(mounted)


def make() -> None:
    """Make the cgroup in every hierarchy: the kubelet wants it to be there."""
    mounted = roots(MOUNTS.read_text())
    if len(mounted) == 1:
        _hand_down_controllers(mounted[0])
    for root in mounted:
        (root / NAME).mkdir(exist_ok=True)


def remove() -> None:
    """Remove the cgroup with all below it. Its processes ended; the kernel may still be about to let go of them."""
    for root in roots(MOUNTS.read_text()):
        wait_until(partial(_removed, root / NAME), f"no process holds {root / NAME}")


def left() -> list[Path]:
    """Return what there is of a node's cgroups."""
    return [root / NAME for root in roots(MOUNTS.read_text()) if (root / NAME).exists()]


def _hand_down_controllers(root: Path) -> None:
    """Let the groups below have limits, which in the one hierarchy of the second version has to be said."""
    for controller in (root / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):  # busy: then the kubelet says which of them it needs
            (root / "cgroup.subtree_control").write_text(f"+{controller}")


def _removed(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):  # busy: asked again
            Path(folder).rmdir()
    return not top.exists()


def _read_only(mounted: list[Path]) -> bool:
    return any(os.statvfs(root).f_flag & os.ST_RDONLY for root in mounted)
