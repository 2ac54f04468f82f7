"""`sshcred`, also found as `kubectl sshcred`: what people do with SSH credentials, a console script.

A command's module is imported when the command is used, so that `--help` and completion answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from sshcredential_operator import __version__
from sshcredential_operator.cli.lazy_group import LazyGroup, with_paragraphs

COMMANDS: Final = {
    "check-key": ("check_key:check_key", "Judge private key files as the operator would."),
    "completion": ("completion:completion", "Print the completion script for a shell."),
    "create": ("create:create", "Create a credential from your key, or let the operator make one."),
    "delete": ("delete:delete", "Delete a credential, and say what becomes of its key."),
    "export": ("export:export", "Ask for a copy of a credential's private key."),
    "exports": ("exports:exports", "List who has a copy of which credential."),
    "keyring": ("keyring:keyring", "Look after the keys under which credentials are encrypted."),
    "list": ("listing:listing", "List credentials."),
    "open": ("open_copy:open_copy", "Open a copy that was made for you alone."),
    "public-key": ("public_key:public_key", "Print the line for authorized_keys."),
    "recover": ("recover:recover", "Open Secrets out of a dump, with a backup of the key ring and no cluster."),
    "reseal": ("reseal:reseal", "Move sealed manifests to the newest sealing key."),
    "rollback": ("rotate:rollback", "Go back to the key before."),
    "rotate": ("rotate:rotate", "Replace a key."),
    "seal": ("seal:seal", "Encrypt your key for a manifest that can lie in Git."),
    "sealing-key": ("sealing_key:sealing_key", "Print the public keys that values are sealed to."),
    "status": ("status:status", "Show everything about one credential, and what to do next."),
    "target": ("target:target", "Look after the machines to log in to."),
    "validate": ("validate:validate", "Check manifests without a cluster, and find private keys in the clear."),
    "wait": ("wait:wait", "Wait until credentials are ready, rotated or gone."),
    "workspace": ("workspace:workspace", "Make namespaces for teams and people."),
}
"""Where each command lies in this package, and what it is for, as `--help` lists it."""
PLUGIN: Final = "kubectl-sshcred"


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sshcred")
def main() -> None:
    r"""Work with SSH credentials on Kubernetes.

    \b
    Exit status of every command: 0 it is done or so, 1 refused or not so and why is said, 2 wrong use,
    3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred create hpc-login --generate
      sshcred create hpc-login --private-key ~/.ssh/id_ed25519
      sshcred list
      sshcred status hpc-login
    """


def run() -> None:
    """Start as the program that was called: kubectl calls its plugin by another name."""
    name = "kubectl sshcred" if Path(sys.argv[0]).name == PLUGIN else "sshcred"
    with_paragraphs(main)
    main(prog_name=name, complete_var="_SSHCRED_COMPLETE")
