"""Writes docs/reference/licences.md: what the image carries of others, and on what terms. Called by `make generate`.

Names and versions are those that requirements/operator.txt pins; the terms are what the installed distributions say of
themselves. With `--check` nothing is written: the exit status says whether the page is what it should be.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "licences.md"
PIN: Final = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)

HEAD: Final = """\
<!-- Generated from requirements/operator.txt and the distributions' metadata by `make generate`. Do not edit. -->

# Licences of dependencies

The operator itself is under the Apache License 2.0 (`LICENSE`). Its image also carries the distributions below,
unchanged, with their licence texts in `/opt/venv/lib/python3.*/site-packages/*.dist-info/`; and Python and C libraries
of its base, whose licences lie in `/usr/share/doc/*/copyright`. All of them, with the versions of that image, are in
its list of parts, `/sbom.cdx.json` (CycloneDX).

| Distribution | Version | Licence |
|---|---|---|
"""

LOOKED_INTO: Final = {"cel-python": "Apache-2.0"}
"""Licences that only a file in the distribution tells."""


def page() -> str:
    """Return the whole page."""
    pins = sorted(PIN.findall((ROOT / "requirements" / "operator.txt").read_text(encoding="utf-8")))
    return HEAD + "".join(f"| {name} | {version} | {licence(name, version)} |\n" for name, version in pins)


def licence(name: str, version: str) -> str:
    """Return the terms that a distribution states: an SPDX expression, else its own words, else its classifiers."""
    said = distribution(name)
    if said.version != version:
        sys.exit(f"{name} {said.version} is installed, and requirements/operator.txt pins {version}: run make setup")
    stated = said.metadata.get("License-Expression") or said.metadata.get("License") or ""
    if stated and "\n" not in stated:
        return str(stated)
    classifiers = said.metadata.get_all("Classifier") or []
    classified = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    if not classified and name in LOOKED_INTO:
        return LOOKED_INTO[name]
    if not classified:
        sys.exit(f"{name} does not say its licence: look into it, and say it here")
    return " and ".join(classified)


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not what the distributions say: run `make generate`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
