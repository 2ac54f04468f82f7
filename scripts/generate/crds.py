"""Writes the copies of the CRDs: a chart can only hold what lies in its folder, and so can the package that validates.

Called by `make generate`, and by `make check` with `--check`: then nothing is written, and the exit status says whether
the copies are what they should be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ROOT / "crds"
COPIES: Final = (
    ROOT / "charts" / "sshcredential-operator" / "files" / "crds",
    ROOT / "operator" / "sshcredential_operator" / "manifests" / "crds",
)


def copy_of(source: Path) -> str:
    """Return what the copy of a file holds."""
    return f"# Generated from crds/{source.name} by `make generate`. Do not edit.\n{source.read_text(encoding='utf-8')}"


def renewed(copies: Path, wanted: dict[str, str], *, only_check: bool) -> bool:
    """Write the copies in a folder, or compare them; return whether they are as they should be."""
    present = {copy.name: copy.read_text(encoding="utf-8") for copy in sorted(copies.glob("*"))}
    if wanted == present:
        return True
    if only_check:
        print(f"{copies.relative_to(ROOT)} does not hold what crds/ holds: run `make generate`", file=sys.stderr)
        return False
    copies.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (copies / name).unlink()
    for name, text in wanted.items():
        (copies / name).write_text(text, encoding="utf-8")
    return True


def main() -> int:
    """Write the copies, or compare them."""
    wanted = {source.name: copy_of(source) for source in sorted(SOURCES.glob("*.yaml"))}
    only_check = "--check" in sys.argv[1:]
    renewals = [renewed(copies, wanted, only_check=only_check) for copies in COPIES]
    return 0 if all(renewals) else 1


if __name__ == "__main__":
    sys.exit(main())
