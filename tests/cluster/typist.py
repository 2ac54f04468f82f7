"""Runs commands at a terminal, where ssh-keygen and sshcred ask for passphrases. Used by the test of the quickstart."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ASKS: Final = re.compile(rb"(?i)passphrase[^\r\n]*: ?\Z")


def typed(command: str, folder: Path, environment: Mapping[str, str], passphrase: str) -> tuple[int, str]:
    """Run a command, type the passphrase whenever it is asked for; return its exit status and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve("/bin/sh", ["/bin/sh", "-c", command], dict(environment))  # noqa: S606 - it is a shell
    shown, answered = b"", 0
    while more := _read(terminal):
        shown += more
        if ASKS.search(shown[answered:]):
            os.write(terminal, passphrase.encode() + b"\n")
            answered = len(shown)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the command has ended
        return b""
