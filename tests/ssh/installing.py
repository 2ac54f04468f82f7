"""An sshd with an account of its own, and the visits of a credential that is to be installed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ssh.accounts import Account, account
from ssh.people import LOOPBACK, hop_to, private_key, route_to
from ssh.servers import Sshd, make_key, running
from sshcredential_operator.ssh.arranging import arrange
from sshcredential_operator.ssh.visit import Arranged, Arrangement, Failed, PrivateKey

SFTP = {"Subsystem": "sftp internal-sftp"}
NO_SFTP: dict[str, object] = {}
BROKEN_SFTP = {"Subsystem": "sftp /nowhere/sftp-server"}


class Door(NamedTuple):
    """Where keys are installed. The key that logs in lies in another file, so that no test shuts itself out."""

    server: Sshd
    account: Account
    key: PrivateKey

    def arrange(self, asked: Arrangement, *, timeout: float = 30, port: int | None = None) -> Arranged | Failed:
        hop = hop_to(self.server._replace(user=self.account.name, port=port or self.server.port))
        return arrange(route_to(hop, timeout=timeout), self.key, asked, LOOPBACK)

    def arranged(self, asked: Arrangement) -> Arranged:
        told = self.arrange(asked)
        assert isinstance(told, Arranged), told
        return told


@contextmanager
def door(folder: Path, settings: Mapping[str, object], shell: str = "/bin/sh") -> Iterator[Door]:
    """Run one, for the block."""
    keys = folder / "keys"
    keys.mkdir()
    with account(shell) as made:
        seen = made.home.parent / "authorized_keys"  # sshd reads it as the account
        seen.touch()
        pair = make_key(keys / "key")
        more = {"AuthorizedKeysFile": seen, "MaxStartups": "100", **settings}
        with running(folder / "sshd", more) as server:
            seen.write_text(f"{pair.public}\n")
            yield Door(server, made, private_key(pair))
