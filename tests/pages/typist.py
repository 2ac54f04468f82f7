"""Runs commands at a terminal, where ssh-keygen and sshcred ask questions. Used by tests of pages and of `sshcred`."""

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
FOR_A_PASSPHRASE: Final = rb"(?i)passphrase[^\r\n]*: ?\Z"


def typed(
    command: str, folder: Path, environment: Mapping[str, str], answer: str, asks: bytes = FOR_A_PASSPHRASE
) -> tuple[int, str]:
    """Run a command, type the answer whenever it is asked for; return its exit status and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDE, 0, 0))
        seen = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}}
        os.execve("/bin/sh", ["/bin/sh", "-c", command], seen)  # noqa: S606 - it is a shell
    shown, answered = b"", 0
    while more := _read(terminal):
        shown += more
        if re.search(asks, shown[answered:]):
            os.write(terminal, answer.encode() + b"\n")
            answered = len(shown)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the command has ended
        return b""
