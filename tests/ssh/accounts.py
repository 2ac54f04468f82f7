"""Real accounts for tests that write into a home folder; made by root, and gone at the end of the block."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

PREFIX = "sshcred-t-"


class Account(NamedTuple):
    """One of them."""

    name: str
    home: Path

    @property
    def file(self) -> Path:
        return self.home / ".ssh" / "authorized_keys"

    @property
    def content(self) -> str:
        return self.file.read_text()

    def holds(self, content: str, mode: int = 0o600) -> None:
        """Let authorized_keys be like this."""
        self.file.parent.mkdir(mode=0o700, exist_ok=True)
        self.file.write_text(content)
        self.file.chmod(mode)
        self.own()

    def set_password(self, password: str) -> None:
        """Let the account have a password."""
        subprocess.run(["chpasswd"], input=f"{self.name}:{password}\n", text=True, check=True)

    def own(self) -> None:
        """Make everything in the home folder the account's."""
        found = pwd.getpwnam(self.name)
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, found.pw_uid, found.pw_gid, follow_symlinks=False)

    def names(self) -> set[str]:
        """Return what lies in ~/.ssh."""
        return {path.name for path in self.file.parent.iterdir()}


@contextmanager
def account(shell: str = "/bin/sh") -> Iterator[Account]:
    """Make an account with a home folder, for the block."""
    if os.geteuid() != 0:
        pytest.skip("only root can make accounts, and keys are installed into an account's home folder")
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    place.chmod(0o755)
    made = Account(f"{PREFIX}{secrets.token_hex(4)}", place / "home")
    made.home.mkdir(0o755)
    subprocess.run(
        ["useradd", "--no-create-home", "--home-dir", made.home, "--shell", shell, "--password", "*", made.name],
        check=True,
    )
    try:
        made.own()
        yield made
    finally:
        subprocess.run(["userdel", "--force", made.name], check=True, capture_output=True)
        shutil.rmtree(place)
