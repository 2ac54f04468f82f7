"""`sshcred` as people run it: a process of its own, in a folder. Used by the tests of its commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

SSHCRED: Final = [
    sys.executable,
    "-c",
    "from sshcredential_operator.cli.sshcred import run; run()",
]


class Said:
    """What the command said, and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code, self.error = done.returncode, done.stderr.decode()
        self.lines = done.stdout.decode().splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def sshcred(folder: Path, *arguments: str | Path, given: bytes = b"") -> Said:
    """Run it in this folder, with this on its standard input."""
    path = [entry for entry in sys.path if entry]
    done = subprocess.run(
        [*SSHCRED, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        check=False,
        env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin"},
    )
    return Said(done)
