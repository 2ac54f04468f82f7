"""Runs the story's commands, and starts the one that stays. Used by `telling` and `stage`."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from controlplane import processes
from controlplane.processes import Daemon

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS: Final = 180.0


class DemoFailed(Exception):
    """The demo cannot go on. The text is one for people."""


@dataclass(slots=True)
class Shell:
    """Runs commands one by one; variables that are exported stay. The caller's folder is the checkout's root."""

    variables: dict[str, str] = field(default_factory=dict)

    def export(self, name: str, value: str) -> None:
        """Set a variable for all later commands."""
        self.variables[name] = value

    def run(self, command: str) -> tuple[int, str]:
        """Run a command as a person would type it; return its exit code, and its output with its errors in it."""
        try:
            outcome = subprocess.run(
                ["/bin/sh", "-c", command],
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"This command did not end within {PATIENCE_SECONDS:.0f} s: {command}") from None
        return outcome.returncode, outcome.stdout


def start(command: str, log: Path) -> Daemon:
    """Start a command, with variables in front if it has any, in a session of its own; its output goes to the log."""
    # exec keeps the process id, which is what the process is ended by.
    return processes.start(("/bin/sh", "-c", f"exec env {command}"), log)


def require(program: str, remedy: str) -> None:
    """Raise `DemoFailed` where a program is missing that the story needs."""
    if shutil.which(program) is None:
        raise DemoFailed(f"{program} is not on this machine. {remedy}")
