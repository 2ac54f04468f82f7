"""Writes the chart's copies of the CRDs, since a chart can only hold what lies in its folder.

Called by `make generate`, and by `make check` with `--check`: then nothing is written, and the exit status says whether
the copies are what they should be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ROOT / "crds"
COPIES: Final = ROOT / "charts" / "sshcredential-operator" / "files" / "crds"


def copy_of(source: Path) -> str:
    """Return what the copy of a file holds."""
    return f"# Generated from crds/{source.name} by `make generate`. Do not edit.\n{source.read_text(encoding='utf-8')}"


def main() -> int:
    """Write the copies, or compare them."""
    wanted = {source.name: copy_of(source) for source in sorted(SOURCES.glob("*.yaml"))}
    present = {copy.name: copy.read_text(encoding="utf-8") for copy in sorted(COPIES.glob("*"))}
    if wanted == present:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{COPIES.relative_to(ROOT)} does not hold what crds/ holds: run `make generate`", file=sys.stderr)
        return 1
    COPIES.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (COPIES / name).unlink()
    for name, text in wanted.items():
        (COPIES / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
