"""`make node-load` without a node, or without an image, says what to do. With both, a reader of the README runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from controlplane.places import SOURCES


@pytest.mark.parametrize(
    ("image", "said"),
    [
        pytest.param(True, "no node is up: start one with `make node`", id="no node"),
        pytest.param(False, "image.tar: make image ARCHIVE=dist/image.tar writes one", id="no image"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, image: bool, said: str) -> None:
    archive = tmp_path / "image.tar"
    if image:
        archive.write_bytes(b"")
    command = [sys.executable, "-m", "node", "load", str(archive), "--folder", str(tmp_path / "node")]

    tried = subprocess.run(
        command, env={"PYTHONPATH": str(SOURCES.parent)}, capture_output=True, text=True, check=False
    )

    assert tried.returncode == 1
    assert said in tried.stderr
