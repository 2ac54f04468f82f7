"""Tells what this machine lacks for a node, before anything is started. Used by the fixtures and by `Node`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from controlplane.elsewhere import NoCluster
from node import cgroups
from node.programs import PATH, found

PROGRAMS: Final = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "ip": "iproute2",
    "nft": "nftables",
    "mount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""Each program, and the Debian package that brings it. scripts/debian-packages.sh installs them."""

CNI_FOLDER: Final = Path("/usr/lib/cni")
CNI_PLUGINS: Final = ("host-local", "loopback", "ptp")

PROBES: Final = {
    "the right to make namespaces": "true",
    "the right to mount inside a namespace": "mount -t proc proc /proc && mount -t tmpfs probe /mnt",
    "overlay file systems": "mount -t tmpfs probe /mnt && mkdir /mnt/a /mnt/b /mnt/c /mnt/d"
    " && mount -t overlay -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c overlay /mnt/d",
    "network devices of the kinds bridge and veth": "ip link add probe0 type bridge"
    " && ip link add probe1 type veth peer name probe2",
    "nftables": "nft add table ip probe",
}
"""What is missing if this shell script fails in namespaces of its own. What it makes is gone with them."""


class NoNode(NoCluster):
    """A node cannot run here. The text says what is missing."""


def require() -> None:
    """Raise `NoNode`, with a sentence that names everything that is missing, unless a node can run here."""
    if absent := missing():
        raise NoNode(refusal(absent))


def refusal(absent: list[str]) -> str:
    """Return the sentence about what is missing."""
    return f"a node with containers cannot run here; this machine lacks {', '.join(absent)}"


def missing() -> list[str]:
    """Return what this machine lacks. What later checks need is checked first, and ends the search."""
    for check in (_kind_of_machine, _programs, _rights):
        if absent := list(check()):
            return absent
    return []


def _kind_of_machine() -> Iterator[str]:
    if sys.platform != "linux":
        yield "Linux"
    elif os.geteuid() != 0:
        yield "a root user for the tests"


def _programs() -> Iterator[str]:
    for name, package in PROGRAMS.items():
        if found(name) is None:
            yield f"{name} (Debian package {package})"
    for name in CNI_PLUGINS:
        if not (CNI_FOLDER / name).exists():
            yield f"{CNI_FOLDER / name} (Debian package containernetworking-plugins)"


def _rights() -> Iterator[str]:
    for what, script in PROBES.items():
        if not _succeeds(script):
            yield what
    if not cgroups.may_be_made():
        yield "cgroups that may be written to"


def _succeeds(script: str) -> bool:
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]
    environment = {**os.environ, "PATH": PATH}
    return (
        subprocess.run([*command, "sh", "-c", script], env=environment, capture_output=True, check=False).returncode
        == 0
    )
