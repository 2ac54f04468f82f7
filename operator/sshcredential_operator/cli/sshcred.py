"""`sshcred`, also found as `kubectl sshcred`: what people do with SSH credentials, a console script."""

from __future__ import annotations

import click

from sshcredential_operator import __version__
from sshcredential_operator.cli.check_key import check_key
from sshcredential_operator.cli.export import export
from sshcredential_operator.cli.exports import exports
from sshcredential_operator.cli.open_copy import open_copy


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sshcred")
def main() -> None:
    """Work with SSH credentials on Kubernetes."""


main.add_command(check_key)
main.add_command(export)
main.add_command(exports)
main.add_command(open_copy)
