"""The commands that make up a control plane: our own build, or a folder of ready-made ones. Used by `plane`."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.build import built_binary

ASSETS_VARIABLE: Final = "KUBEBUILDER_ASSETS"

Command = tuple[str, ...]
"""A program and its first arguments, to which flags are added."""


class NoBinaries(Exception):
    """The folder that was named holds no control plane. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One command for each part. Without a controller manager no namespace is ever emptied, and nothing collected."""

    etcd: Command
    apiserver: Command
    controller_manager: Command | None
    kubectl: Command


def find_binaries() -> Binaries:
    """Return the commands to start, after building them if necessary.

    Raises `NoBinaries` for an incomplete folder in KUBEBUILDER_ASSETS, and what `built_binary` raises.
    """
    assets = os.environ.get(ASSETS_VARIABLE)
    return from_assets(Path(assets)) if assets else from_one_binary(built_binary())


def find_kubectl() -> Command:
    """Return a kubectl for a cluster that is not ours: the machine's own, else a built one."""
    own = shutil.which("kubectl")
    return (own,) if own else find_binaries().kubectl


def from_one_binary(binary: Path) -> Binaries:
    """Return the commands of a binary that holds them all."""
    program = str(binary)
    return Binaries(
        etcd=(program, "etcd"),
        apiserver=(program, "apiserver"),
        controller_manager=(program, "controller-manager"),
        kubectl=(program, "kubectl"),
    )


def from_assets(folder: Path) -> Binaries:
    """Return the commands of a folder in the layout of envtest; it may lack the controller manager."""
    kubectl = _program(folder / "kubectl") or shutil.which("kubectl")
    etcd, apiserver = _program(folder / "etcd"), _program(folder / "kube-apiserver")
    if not (etcd and apiserver and kubectl):
        found = {"etcd": etcd, "kube-apiserver": apiserver, "kubectl": kubectl}
        missing = ", ".join(name for name, path in found.items() if not path)
        raise NoBinaries(f"{ASSETS_VARIABLE} is {folder}, which lacks {missing}; unset it to build them from source")
    controller_manager = _program(folder / "kube-controller-manager")
    return Binaries(
        etcd=(etcd,),
        apiserver=(apiserver,),
        controller_manager=(controller_manager,) if controller_manager else None,
        kubectl=(kubectl,),
    )


def _program(path: Path) -> str | None:
    return str(path) if os.access(path, os.X_OK) and path.is_file() else None
