"""The machine that figures were taken on, and how busy it was. Used by `run.py`."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from controlplane.places import CHECKOUT

LIBRARIES: Final = ("kopf", "aiohttp", "httptools", "cryptography", "joserfc", "orjson", "kubernetes")
REPORTS: Final = "docs/performance"


def look() -> dict[str, Any]:
    """Return date, machine, load and versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": [round(value, 2) for value in os.getloadavg()],
        "cpus": os.cpu_count(),
        "cpu": _first(r"^model name\s*: (.*)$", Path("/proc/cpuinfo")),
        "memory": _first(r"^MemTotal:\s*(.*)$", Path("/proc/meminfo")),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def _first(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text(), re.MULTILINE) if file.exists() else None
    return found[1] if found else "unknown"


def _commit() -> str:
    try:
        commit = _git("describe", "--always")
        changed = _git("status", "--porcelain", "--", ".", f":!{REPORTS}")  # the reports themselves change all the time
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
