"""The one binary that holds the whole control plane. Called before a control plane starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from controlplane.gobuild import BuildFailed, GoProgram, stripped
from controlplane.places import SOURCES

VERSION_PACKAGE: Final = "k8s.io/component-base/version"
ANNOUNCEMENT: Final = "building Kubernetes and etcd from source, once on this machine (about 6 minutes on two cores)"


def built_binary() -> Path:
    """Return the path of the control plane's binary, building it if this version of it was never built before.

    Raises `BuildFailed`, or `NoGo` where there is no Go and none can be installed.
    """
    return _program(SOURCES).built()


def fingerprint(sources: Path = SOURCES) -> str:
    """Return what names the build: another source, dependency or flag gives another binary."""
    return _program(sources).fingerprint()


def build_flags(sources: Path = SOURCES) -> list[str]:
    """Return the flags of `go build`, which make the binary tell its version."""
    version = kubernetes_version((sources / "go.mod").read_text())
    major, minor, _ = version.removeprefix("v").split(".")
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return stripped(*(f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in told.items()))


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes that a go.mod requires, with its leading v."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)", go_mod, re.MULTILINE)
    if found is None:
        raise BuildFailed("go.mod does not require k8s.io/kubernetes")
    return found[1]


def _program(sources: Path) -> GoProgram:
    return GoProgram("controlplane", sources, build_flags(sources), ANNOUNCEMENT)
