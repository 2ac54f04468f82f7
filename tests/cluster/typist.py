"""Runs commands at a terminal, where ssh-keygen and sshcred ask for passphrases. Used by the test of the quickstart."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Final

WIDE: Final = 240
"""Columns, so that no table is folded."""
ASKS: Final = re.compile(rb"(?i)passphrase[^\r\n]*: ?\Z")


def typed(command: str, folder: Path, environment: Mapping[str, str], passphrase: str) -> tuple[int, str]:
    """Run a command, type the passphrase whenever it is asked for; return its exit status and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDE, 0, 0))
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
