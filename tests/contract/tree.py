"""What belongs to the project: every file that Git tracks or would add. Used by the contract tests."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE_ROOT: Final = ROOT / "operator"
PACKAGE: Final = "sshcredential_operator"


@cache
def project_files() -> tuple[Path, ...]:
    """Return tracked and not yet added files, without ignored ones, relative to the root."""
    # The checkout may belong to another user than the tests (a container's mount).
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


def package_files() -> tuple[Path, ...]:
    """Return the package's Python files, relative to the root."""
    return tuple(
        path for path in project_files() if path.suffix == ".py" and path.parts[:2] == (SOURCE_ROOT.name, PACKAGE)
    )


def text_of(path: Path) -> str:
    """Return a project file's text; bytes that are not UTF-8 become marks."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")
