"""Runs a consumer of exported Secrets: the Go program of tests/consumers, which holds the consumers' own readers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from controlplane.gobuild import GoProgram, stripped

PROGRAM: Final = GoProgram(
    "consumers",
    Path(__file__).resolve().parents[1] / "consumers",
    stripped(),
    "building the readers of exported Secrets from source, once on this machine (less than a minute on two cores)",
)


def fetch(program: Path, profile: str, mounted: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Let a consumer ask the server for its newest commit. It has the Secret's files, no agent and an empty home."""
    home = mounted.parent / "home"
    home.mkdir()
    command = [str(program), profile, str(mounted), url]
    return subprocess.run(
        command, env={"HOME": str(home)}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
