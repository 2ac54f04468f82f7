"""`sshcred keyring`: the keys under which credentials are encrypted. The commands lie in modules of their own."""

from __future__ import annotations

import click

from sshcredential_operator.cli.keyring_backup import backup
from sshcredential_operator.cli.keyring_drop import drop
from sshcredential_operator.cli.keyring_rebind import rebind
from sshcredential_operator.cli.keyring_restore import restore
from sshcredential_operator.cli.keyring_rotate import rotate_root, rotate_workspace
from sshcredential_operator.cli.keyring_shred import shred
from sshcredential_operator.cli.keyring_status import keyring_status
from sshcredential_operator.cli.keyring_verify import verify


@click.group("keyring")
def keyring() -> None:
    """Look after the operator's key ring: the root key, and the workspaces' keys under it."""


for command in (keyring_status, verify, rotate_root, rotate_workspace, shred, rebind, drop, backup, restore):
    keyring.add_command(command)
