"""Where the programs of Debian's packages lie, also for a root whose PATH lacks the folders of root's programs."""

from __future__ import annotations

import os
import shutil
from typing import Final

PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def found(name: str) -> str | None:
    """Return the path of a program, or None if this machine lacks it."""
    return shutil.which(name, path=PATH)


def path_of(name: str) -> str:
    """Return the path of a program that `preflight` has found."""
    return found(name) or name
