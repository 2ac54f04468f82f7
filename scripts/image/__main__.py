"""`make image`: builds the image and says what it made."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from image.build import Wish, build
from image.places import CHECKOUT

DIST: Final = CHECKOUT / "dist"


def main() -> None:
    """Build what the arguments ask for. An empty argument is none: make hands on variables that nobody set."""
    parser = argparse.ArgumentParser(prog="make image")
    parser.add_argument("--base", default="", help="image to build from, or `debian` for Debian's packages")
    parser.add_argument("--name", default="", help="name of the image, with its tag")
    parser.add_argument("--archive", default="", help="also write the image to this file (docker-archive)")
    parser.add_argument("--source", default="", help="address of the source code, for the image's label")
    parser.add_argument("--engine", default="", help="docker, podman or buildah")
    parser.add_argument("--kms", default="", help="1 adds what a root key in a KMS takes")
    asked = parser.parse_args()
    archive = Path(asked.archive) if asked.archive else None
    built = build(Wish(asked.base, asked.name, archive, DIST, asked.source, asked.engine, asked.kms == "1"))
    print(f"image: {built.name} (by {built.engine}, from {built.base})")
    print(f"image: list of parts: {DIST.relative_to(CHECKOUT) / 'sbom.cdx.json'}")
    if built.archive:
        print(f"image: archive: {built.archive}")
    elif built.engine == "buildah":
        print("image: it lies in buildah's own store; make image ARCHIVE=dist/image.tar writes it to a file")


if __name__ == "__main__":
    main()
