"""Prints a version's section of CHANGELOG.md: the notes of its release. Called by the release workflow."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

CHANGELOG: Final = Path(__file__).resolve().parents[2] / "CHANGELOG.md"


def notes(text: str, version: str) -> str | None:
    """Return what stands under the version's heading; None where there is no such heading or nothing under it."""
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() or None if found else None


def main() -> int:
    """Print the section of the version that the argument names."""
    version = sys.argv[1]
    text = notes(CHANGELOG.read_text(encoding="utf-8"), version)
    if text is None:
        print(f"CHANGELOG.md says nothing of {version}: name its section '## [{version}] - <date>'", file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
