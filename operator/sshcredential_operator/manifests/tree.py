"""The files under the paths that a person names. Used by the command line.

Links are followed as long as they stay in the tree; what Git keeps for itself is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PASSED_OVER: Final = frozenset({".git"})


def files_under(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the regular files of a folder in the order of their names."""
    if not path.is_dir():
        yield path
        return
    root = path.resolve()
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in PASSED_OVER)
        for name in sorted(names):
            file = Path(folder, name)
            if name not in PASSED_OVER and file.is_file() and file.resolve().is_relative_to(root):
                yield file
