"""The operator and the CRDs of an earlier commit, taken from this clone's own history. Used by `test_upgrade`."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.places import CHECKOUT
from operators.process import COMMAND

COMMIT: Final = "13bbbf94059c5db0bcce42bb06eb34e8e2806eb5"
"""The state before there were exports: format v1 of stored keys, API v1alpha1, rotation and leader election."""

CRDS_DIGEST: Final = "e73116cc8f01f8009a3de71737083df64f939bf5fa937f88ea73c352a973503c"
"""SHA-256 of that commit's one CRD. The recorded objects were made with it."""

CRD: Final = Path("crds") / "sshcredentials.dev_sshcredentials.yaml"
CHART_FILES: Final = Path("charts") / "sshcredential-operator" / "files"
PARTS: Final = ("crds", "operator", "charts")
PACKAGE: Final = "sshcredential_operator"


class NoHistory(Exception):
    """The commit is not to be had here. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """That commit's files, in a folder of their own."""

    folder: Path

    @property
    def crd(self) -> Path:
        """The one CRD that there was."""
        return self.folder / CRD

    @property
    def manifests(self) -> list[Path]:
        """All that was applied to a cluster: CRD, admission policies and roles."""
        return [self.crd, self.folder / CHART_FILES / "admission", self.folder / CHART_FILES / "rbac"]

    @property
    def source_root(self) -> Path:
        """Where its package lies."""
        return self.folder / "operator"

    @property
    def program(self) -> tuple[str, ...]:
        """What a command line of its operator begins with: the libraries are those of today."""
        return ("/usr/bin/env", f"PYTHONPATH={self.source_root}", str(COMMAND))


def taken_from_history(folder: Path, checkout: Path = CHECKOUT) -> Earlier:
    """Write the commit's files into a folder. Raises `NoHistory`."""
    archive = subprocess.run(
        ["git", "-C", checkout, "archive", "--format=tar", COMMIT, *PARTS],
        env={**os.environ, "GIT_NO_LAZY_FETCH": "1"},
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        raise NoHistory(
            f"the earlier operator is taken from the history of this clone, which lacks the commit {COMMIT[:12]}: "
            "it is shallow, or no clone at all. `git fetch --unshallow` brings it"
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    earlier = Earlier(folder)
    _hold_to_what_was_recorded(earlier)
    return earlier


def _hold_to_what_was_recorded(earlier: Earlier) -> None:
    """Neither another CRD nor the present code under the name of the earlier one would show anything."""
    assert hashlib.sha256(earlier.crd.read_bytes()).hexdigest() == CRDS_DIGEST
    where = [sys.executable, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"]
    path = {**os.environ, "PYTHONPATH": str(earlier.source_root)}
    found = subprocess.run(where, env=path, cwd=earlier.folder, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(earlier.source_root), found
