"""Where the control plane's sources and its built binary lie. Used by builder, Go finder and commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).resolve().parent
"""main.go, go.mod and go.sum."""

CHECKOUT: Final = SOURCES.parents[1]


def cache_folder() -> Path:
    """Return the folder for what takes minutes to make. Outside the checkout: a fresh clone finds it, too."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sshcredential-operator" / "controlplane"
