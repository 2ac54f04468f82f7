"""`sshcred`, also found as `kubectl sshcred`: what people do with SSH credentials, a console script."""

from __future__ import annotations

import click

from sshcredential_operator import __version__
from sshcredential_operator.cli.check_key import check_key
from sshcredential_operator.cli.create import create
from sshcredential_operator.cli.delete import delete
from sshcredential_operator.cli.export import export
from sshcredential_operator.cli.exports import exports
from sshcredential_operator.cli.open_copy import open_copy
from sshcredential_operator.cli.reseal import reseal
from sshcredential_operator.cli.rotate import rollback, rotate
from sshcredential_operator.cli.seal import seal
from sshcredential_operator.cli.sealing_key import sealing_key
from sshcredential_operator.cli.workspace import workspace


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sshcred")
def main() -> None:
    """Work with SSH credentials on Kubernetes."""


main.add_command(check_key)
main.add_command(create)
main.add_command(export)
main.add_command(exports)
main.add_command(open_copy)
main.add_command(reseal)
main.add_command(seal)
main.add_command(sealing_key)
main.add_command(delete)
main.add_command(rotate)
main.add_command(rollback)
main.add_command(workspace)
