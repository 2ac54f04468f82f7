"""Writes the released image into the chart's values, pinned by digest. Called by the release workflow."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Final

VALUES: Final = Path(__file__).resolve().parents[2] / "charts" / "sshcredential-operator" / "values.yaml"


def pinned(values: str, image: str, digest: str) -> str:
    """Return the values with the image's name and digest; the first two fields so named under `image:`."""
    head, mark, rest = values.partition("\nimage:\n")
    for field, value in (("repository", image), ("digest", digest)):
        rest, count = re.subn(rf"^(  {field}:).*$", rf"\1 {value}", rest, count=1, flags=re.MULTILINE)
        if not mark or not count:
            sys.exit(f"values.yaml has no image.{field}")
    return head + mark + rest


def main() -> None:
    """Change the values where they are: what is packed and rendered afterwards names this image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--digest", required=True)
    asked = parser.parse_args()
    VALUES.write_text(pinned(VALUES.read_text(encoding="utf-8"), asked.image, asked.digest), encoding="utf-8")


if __name__ == "__main__":
    main()
