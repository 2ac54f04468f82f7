"""Keeps a package out of the memory of a process that has it installed and does not need it. Used by `shell.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let an import of this package fail as if it were not installed; what was imported before stays as it was."""
    before = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]  # documented: an import of it raises ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before
