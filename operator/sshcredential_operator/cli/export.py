"""`sshcred export`: asks for a copy of a credential's key, and says what came of it."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Final, Unpack

import click

from sshcredential_operator.api.conditions import STALLED
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import Profile
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import Desk, cluster_options, sit_down
from sshcredential_operator.cli.export_manifest import Asked, as_yaml, manifest
from sshcredential_operator.cli.reading_desk import or_end

LOOK_AGAIN_SECONDS: Final = 0.3


class AskedHere(Asked):
    """And of the cluster."""

    kubeconfig: Path | None
    context: str | None
    namespace: str | None


@click.command("export")
@click.argument("name", metavar="NAME")
@click.option("--profile", type=click.Choice([one.value for one in Profile]), help="Whose form a plain copy has.")
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
    _tell(_settled(desk, applied, wait))


def _settled(desk: Desk, export: Export, wait: timedelta) -> Export:
    """Return the export when it is ready, when only a person can help, or when the time is over."""
    ends, told = time.monotonic() + wait.total_seconds(), ""
    while not _is_settled(export) and time.monotonic() < ends:
        if (why := _said_of(export)) != told and _is_answered(export):
            click.echo(f"waiting: {why}", err=True)
            told = why
        time.sleep(LOOK_AGAIN_SECONDS)
        export = or_end(desk.exports.get(desk.namespace, export.key.name))
    return export


def _is_answered(export: Export) -> bool:
    """Whether the status is about the spec as it is now."""
    return export.status.observed_generation >= export.generation


def _is_ready(export: Export) -> bool:
    ready = export.status.ready
    return _is_answered(export) and ready is not None and ready.status == "True"


def _is_settled(export: Export) -> bool:
    return _is_ready(export) or (_is_answered(export) and export.status.condition(STALLED) is not None)


def _said_of(export: Export) -> str:
    ready = export.status.ready
    return one_line(ready.message) if ready else "no operator has looked at it yet"


def _tell(export: Export) -> None:
    """Say what is there, and how it ends; or why not."""
    if not _is_ready(export):
        reason = one_line(export.status.ready.reason) if export.status.ready else "Pending"
        raise click.ClickException(f"{export.key} is not ready: {reason}: {_said_of(export)}")
    end = f"at {export.status.expires_at}, or earlier" if export.status.expires_at else "when you say so"
    click.echo(f"{export.key}: {_said_of(export)}")
    click.echo(
        f"It ends {end}: kubectl delete sshcredentialexport {export.key.name} -n {export.key.namespace}"
        + (f" (notes: {', '.join(map(one_line, export.status.notes))})" if export.status.notes else "")
    )
