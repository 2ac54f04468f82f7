"""The operator's image for tests: built once for everything that goes into it, by the same code as `make image`.

`operator_image()` needs a machine that can build (root on Debian, or Buildah); `cannot_build()` says why one cannot.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

from controlplane.once import make_once
from image.build import NAME, Wish, build
from image.places import cache_folder, content_hash

KEPT: Final = 6
"""So many archives stay in the cache: each is 190 MB."""


class OperatorImage(NamedTuple):
    """An image in a file."""

    archive: Path
    """As `docker save` writes it: `ctr images import` takes it."""
    name: str
    """The name inside, with a tag that changes with the content."""


def operator_image(*, kms: bool = False) -> OperatorImage:
    """Return the image of this checkout as it is now; built in half a minute, or two where there is no base yet.

    With `kms`, it holds what a root key in a KMS takes.
    """
    digest = content_hash() + ("-kms" if kms else "")
    name = f"{NAME}:test-{digest}"

    def make(archive: Path) -> None:
        build(Wish(base="debian", name=name, archive=archive, engine="buildah", kms=kms))

    archive = make_once(cache_folder() / "archives" / digest / "image.tar", make)
    archive.parent.touch()
    forget_old_ones(archive.parent.parent)
    return OperatorImage(archive, name)


def forget_old_ones(folder: Path) -> None:
    """Remove what was not asked for lately."""
    for old in sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def cannot_build() -> str:
    """Return why this machine builds no image; empty when it does."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "the image is built and looked into as root on Linux"
    if not shutil.which("apt-get"):
        return "without a registry, the image is built from Debian's packages, and this machine has no apt"
    return ""
