"""Files that people name on the command line: read within bounds, and named so that no terminal obeys them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

from sshcredential_operator.api.sensitive import Sensitive

STANDARD_INPUT: Final = "-"


class Unreadable(NamedTuple):
    """Why a file could not be read, in the operating system's words."""

    why: str


def read_file(file: str, most: int) -> Sensitive | Unreadable:
    """Read a file, or as much of it as shows that it has more than `most` bytes."""
    try:
        if file == STANDARD_INPUT:
            return Sensitive(sys.stdin.buffer.read(most + 1))
        with Path(file).open("rb") as opened:
            return Sensitive(opened.read(most + 1))
    except OSError as error:
        return Unreadable(error.strerror or "cannot be read")
    except ValueError:  # a NUL in the name
        return Unreadable("is no name of a file")


def shown_name(file: str) -> str:
    """Return a file's name with nothing in it that a terminal would obey."""
    return file if file.isprintable() else ascii(file)
