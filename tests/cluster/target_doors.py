"""Accounts with a home, servers for them, and credentials to log in with: what the tests of targets are played with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cluster.shown import Object, generated
from cluster.target_stage import Stage
from ssh.accounts import Account, account
from ssh.servers import Sshd, running

SHORT: Final = {"overlap": "3s"}
IN_THE_HOME: Final = {"AuthorizedKeysFile": ".ssh/authorized_keys", "Subsystem": "sftp internal-sftp"}


@contextmanager
def home(folder: Path, **settings: object) -> Iterator[tuple[Sshd, Account]]:
    """An account whose keys lie where keys lie, and a server for it."""
    with account() as person, running(folder, {**IN_THE_HOME, "StrictModes": "yes", **settings}) as server:
        yield server, person


def ready(staged: Stage, name: str, **members: Any) -> str:
    """Make a credential; return its public key."""
    staged.desk.create(name, generated() | {"rotation": SHORT} | members)
    return str(staged.desk.until(name, "Available")["status"]["publicKey"])


def rotate(staged: Stage, name: str, serial: int = 1) -> None:
    """Ask for the next key."""
    staged.desk.edit(name, {"rotation": {"serial": serial}})


def until_key_number(staged: Stage, name: str, number: int) -> Object:
    """Return the credential when this key is in use."""
    return staged.desk.until_object(name, lambda one: one["status"]["keyNumber"] == number, f"at key {number}")
