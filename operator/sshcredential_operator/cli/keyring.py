"""`sshcred keyring`: the keys that everything is encrypted under. The commands lie in modules of their own."""

from __future__ import annotations

import click

from sshcredential_operator.cli.keyring_backup import backup
from sshcredential_operator.cli.keyring_restore import restore


@click.group("keyring")
def keyring() -> None:
    """Look after the key ring: the root key, the keys of workspaces, and the sealing keys."""


for command in (backup, restore):
    keyring.add_command(command)
