"""A Git repository behind a real sshd, and a Secret's values as files, for those who clone it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cluster.sshd import Sshd, running

GIT: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
"""Nothing of a developer's own settings."""


class Forge(NamedTuple):
    """A repository behind sshd: one commit, on main, with a README."""

    sshd: Sshd
    url: str
    commit: str


@contextmanager
def serving(folder: Path) -> Iterator[Forge]:
    """Serve a new repository until the end of the block."""
    repository, work, etc = folder / "team.git", folder / "work", folder / "sshd"
    etc.mkdir()
    _git("init", "-q", "--bare", "-b", "main", str(repository))
    _git("clone", "-q", str(repository), str(work))
    (work / "README").write_text("hello\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    _git("-C", str(work), "add", "README")
    _git("-C", str(work), *identity, "commit", "-qm", "one")
    _git("-C", str(work), "push", "-q", "origin", "HEAD:main")
    commit = _git("-C", str(work), "rev-parse", "HEAD")
    with running(etc) as sshd:
        yield Forge(sshd, f"ssh://{sshd.user}@127.0.0.1:{sshd.port}{repository}", commit)


def mount(values: dict[str, bytes], folder: Path) -> Path:
    """Write a Secret's values as files, as a volume does."""
    mounted = folder / "secret"
    mounted.mkdir()
    for name, value in values.items():
        (mounted / name).write_bytes(value)
        (mounted / name).chmod(0o400)
    return mounted


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, env=os.environ | GIT, capture_output=True, text=True)
    return done.stdout.strip()
