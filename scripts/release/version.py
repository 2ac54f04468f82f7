"""Checks a tag against the package's version, and prints `version=...`. Called by the release workflow."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[2] / "operator" / "sshcredential_operator" / "__init__.py"


def version() -> str:
    """Return the version from its one place."""
    (found,) = re.findall(r'^__version__ = "([^"]+)"$', SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", required=True, help="the tag that is released")
    tag = parser.parse_args().tag
    if tag != f"v{version()}":
        print(f"the tag is {tag}, and the package's version asks for v{version()}", file=sys.stderr)
        return 1
    print(f"version={version()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
