"""`sshcred public-key`: the line for `authorized_keys`."""

from __future__ import annotations

from pathlib import Path

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.reading_desk import ReadingDesk
from sshcredential_operator.cli.sealing_options import name_argument
from sshcredential_operator.keys.authorized_keys import BadOptions, options_of_a_line


@click.command("public-key")
@name_argument
@click.option("--options", metavar="OPTIONS", help="What sshd lets this key do, such as 'restrict,pty'; see sshd(8).")
@click.option("--next", "which", flag_value="next", help="The key that is announced, instead of the one in use.")
@click.option("--previous", "which", flag_value="previous", help="The key before, as long as it is usable.")
@cluster_options
def public_key(
    name: str,
    *,
    options: str | None,
    which: str | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
) -> None:
    r"""Print the public key of the SSHCredential NAME, as one line for ~/.ssh/authorized_keys.

    \b
    Exit status: 0 it is printed, 1 there is none and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred public-key hpc-login
      sshcred public-key hpc-login --options 'restrict,command="/usr/bin/rsync --server"'
      sshcred public-key hpc-login --next | ssh me@login.example.org 'cat >> ~/.ssh/authorized_keys'
    """
    before = _options(options)
    seen = parse_credential(ReadingDesk(kubeconfig, context, namespace).must_see(name))
    click.echo(before + one_line(_line(seen, which)))


def _options(given: str | None) -> str:
    if given is None:
        return ""
    checked = options_of_a_line(given)
    if isinstance(checked, BadOptions):
        raise click.BadParameter(checked.sentence, param_hint="--options")
    return f"{checked} "


def _line(seen: Credential, which: str | None) -> str:
    status, where = seen.status, f"{seen.key.namespace}/{seen.key.name}"
    if which is None:
        if status.facts is None:
            end(f"{where} has no key yet: sshcred status {seen.key.name} -n {seen.key.namespace}")
        return status.facts.public_key
    other = status.next if which == "next" else status.previous
    if other is None:
        end(f"{where} has no {which} key: it is there only while a key is replaced (spec.rotation)")
    return other.public_key
