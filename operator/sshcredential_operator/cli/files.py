"""Files that people name on the command line: read within bounds, and named so that no terminal obeys them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.terminal import printable

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


def json_object_in(file: Path, most: int) -> dict[str, Any]:
    """Return the JSON object in a file; one without members where it cannot be read, or holds none."""
    content = read_file(str(file), most)
    try:
        found = None if isinstance(content, Unreadable) else json.loads(content.reveal())
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def shown_name(file: str) -> str:
    """Return a file's name with nothing in it that a terminal would obey."""
    return printable(file)
