"""`sshcred target`: the machines to log in to, as SSHTargets. The commands lie in modules of their own."""

from __future__ import annotations

import click

from sshcredential_operator.cli.target_list import list_targets
from sshcredential_operator.cli.target_probe import probe
from sshcredential_operator.cli.target_status import target_status
from sshcredential_operator.cli.target_trust import trust


@click.group("target")
def target() -> None:
    """Look after SSHTargets: the machines and accounts that a credential shall open."""


for command in (list_targets, target_status, probe, trust):
    target.add_command(command)
