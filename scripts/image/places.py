"""What the image is made from, and where layers are kept. Used by the builder, and by the tests of the image."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]

MAKINGS: Final = (
    "Dockerfile",
    ".dockerignore",
    "requirements/build.txt",
    "requirements/operator.txt",
    "requirements/operator-kms.txt",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "operator",
    "scripts/image",
)
"""Everything that an image depends on, in the checkout."""


def cache_folder() -> Path:
    """Return the folder for layers and bases. Outside the checkout: a fresh clone finds them, too."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "sshcredential-operator" / "image"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def one_builder() -> Iterator[None]:
    """Let a second builder on this machine wait for the first."""
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def content_hash() -> str:
    """Return a name for exactly this image: 16 hexadecimal digits of its makings' contents."""
    digest = hashlib.sha256()
    for path in sorted(makings()):
        digest.update(f"{path.relative_to(CHECKOUT)}\0{path.stat().st_mode & 0o111:o}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def makings() -> Iterator[Path]:
    """Yield the files that the image depends on."""
    for name in MAKINGS:
        path = CHECKOUT / name
        files = path.rglob("*") if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


def version() -> str:
    """Return the product's version, from its one place."""
    text = (CHECKOUT / "operator/sshcredential_operator/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("image: no __version__ in operator/sshcredential_operator/__init__.py")
    return found[1]


def revision() -> str:
    """Return the commit, marked when the checkout differs from it."""
    git = ["git", "-c", "safe.directory=*", "-C", str(CHECKOUT)]
    asked = [*git, "describe", "--always", "--abbrev=40", "--match=", "--dirty"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"
