"""`sshcred export`: asks for a copy of a credential's key, and says what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import Profile
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.completion import complete_target_names
from sshcredential_operator.cli.desk import cluster_options, sit_down
from sshcredential_operator.cli.export_manifest import Asked, as_yaml, manifest
from sshcredential_operator.cli.export_waiting import is_ready, said_of, settled, why_not
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.sealing_options import credential_name


class AskedHere(Asked):
    """And of the cluster."""

    kubeconfig: Path | None
    context: str | None
    namespace: str | None


@click.command("export")
@click.argument("name", metavar="NAME")
@click.option("--profile", type=click.Choice([one.value for one in Profile]), help="Whose form the copy has.")
@click.option(
    "--recipient",
    metavar="JWKFILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Instead of a profile: the X25519 public key, as a JWK, that alone opens the copy. Only x is sent.",
)
@click.option("--secret-name", metavar="S", help="The Secret that holds the copy. Default: the export's name.")
@click.option("--export-name", metavar="E", help="Default: NAME and the consumer, such as NAME-flux.")
@click.option("--url", metavar="U", help="The repository's address, where the profile wants one.")
@click.option("--username", metavar="U", help="Login name on the server, where the profile wants one.")
@click.option("--known-hosts", metavar="FILE", help="Host keys to trust, as lines of a known_hosts file.")
@click.option(
    "--target",
    metavar="NAME",
    callback=credential_name,
    shell_complete=complete_target_names,
    help="Instead of --known-hosts: the host keys that this SSHTarget trusts.",
)
@click.option("--format", "private_key_format", type=click.Choice(["OpenSSH", "PEM"]), default="OpenSSH")
@click.option("--strip-passphrase", is_flag=True, help="Write the private key without its passphrase.")
@click.option("--expires-after", metavar="D", help="Delete the copy when the export is so old, such as 8h.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long for the copy.")
@click.option("--dry-run", is_flag=True, help="Print the manifest, and do nothing else. Needs no cluster.")
@click.option("--output", "-o", type=click.Choice(["yaml"]), help="The same as --dry-run.")
@cluster_options
def export(name: str, *, timeout: str, dry_run: bool, output: str | None, **asked: Unpack[AskedHere]) -> None:
    r"""Ask for a copy of the private key of the SSHCredential NAME, and wait until it is there.

    You need the verb export on the credential (ClusterRole sshcredential-exporter). The copy follows the key, and ends
    with the export: kubectl delete sshcredentialexport EXPORT.

    \b
    Exit status: 0 the copy is there, 1 it is not and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred export deploy-key --profile Flux --known-hosts hosts.txt
      sshcred export hpc-login --profile SSHAuth --target login-node
      sshcred export deploy-key --profile SSHAuth --expires-after 8h --dry-run
    """
    wait = parse_duration(timeout)
    if wait is None:
        raise click.BadParameter("is no duration such as 60s or 2m", param_hint="--timeout")
    wanted = manifest(name, asked)
    if dry_run or output:
        if asked["namespace"]:
            wanted["metadata"]["namespace"] = asked["namespace"]
        click.echo(as_yaml(wanted), nl=False)
        return
    desk = sit_down(asked["kubeconfig"], asked["context"], asked["namespace"])
    applied = or_end(desk.exports.apply(desk.namespace, wanted))
    _tell(or_end(settled(desk.exports, applied, wait)))


def _tell(export: Export) -> None:
    """Say what is there, and how it ends; or why not."""
    if not is_ready(export):
        raise click.ClickException(f"{export.key} is not ready: {why_not(export)}")
    end = f"at {export.status.expires_at}, or earlier" if export.status.expires_at else "when you say so"
    click.echo(f"{export.key}: {said_of(export)}")
    click.echo(
        f"It ends {end}: kubectl delete sshcredentialexport {export.key.name} -n {export.key.namespace}"
        + (f" (notes: {', '.join(map(one_line, export.status.notes))})" if export.status.notes else "")
    )
