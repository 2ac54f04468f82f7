"""`sshcred create`: a new credential, from a private key that is sealed here, or from one that the operator makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn, Unpack

import click

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.cli.brought_key import brought_key
from sshcredential_operator.cli.credential_manifest import (
    AboutIt,
    GenerateAsked,
    credential_manifest,
    generate_block,
)
from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.export_manifest import as_yaml
from sshcredential_operator.cli.sealed_block import SealedFor, sealed_block
from sshcredential_operator.cli.sealing_keys_at_desk import described, newest
from sshcredential_operator.cli.sealing_options import SealingAsked, name_argument, passphrase_option, sealing_options
from sshcredential_operator.cli.told import tell_of_key
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk, duration, require_ready, written


class CreateAsked(ClusterAsked, SealingAsked, GenerateAsked, AboutIt):
    """All options but those of the command alone."""

    private_key: str | None
    passphrase_file: Path | None
    generate: bool


@click.command("create")
@name_argument
@click.option("--private-key", metavar="FILE", help="The private key file; - for standard input.")
@passphrase_option
@click.option("--generate", is_flag=True, help="Instead: let the operator make the key.")
@click.option("--algorithm", type=click.Choice([one.value for one in Algorithm]), help="With --generate.")
@click.option("--bits", type=int, metavar="N", help="With --generate: ECDSA 256, 384, 521; RSA 3072, 4096.")
@click.option("--comment", metavar="C", help="With --generate: the comment of the public key.")
@click.option("--generate-passphrase", is_flag=True, help="With --generate: protect the key with a passphrase, too.")
@click.option("--display-name", metavar="N", help="spec.name, where it is not NAME: letters, digits, dash, underscore.")
@click.option("--description", metavar="D", help="What it is for.")
@sealing_options
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long for it to be ready.")
@click.option("--dry-run", is_flag=True, help="Print the manifest, for Git, and send nothing.")
@click.option("--output", "-o", type=click.Choice(["yaml", "json"]), help="Form of the manifest, with --dry-run.")
@operator_namespace_option
@cluster_options
def create(name: str, *, timeout: str, dry_run: bool, output: str | None, **asked: Unpack[CreateAsked]) -> None:
    r"""Create the SSHCredential NAME from a private key file, or with a key that the operator makes.

    A private key is checked, repaired and sealed here, so that neither it nor its passphrase is ever sent in the clear;
    a passphrase is asked for on a terminal. What exists is never changed: that is for sshcred rotate.

    With --dry-run, nothing is sent: the manifest is printed, for Git. With --sealing-key and -n it needs no cluster.
    A sealed manifest names its namespace, because its values work in no other.

    \b
    Exit status: 0 it is ready (or printed), 1 it is not and why is said, 2 wrong use.

    \b
    Examples:
      sshcred create hpc-login --private-key ~/.ssh/id_ed25519
      sshcred create hpc-login --private-key id_rsa --passphrase-file passphrase.txt --display-name hpc_login
      sshcred create hpc-login --private-key id_rsa --dry-run -o yaml -n genomics > hpc-login.yaml
      sshcred create deploy-key --generate --algorithm RSA --bits 4096 --comment ci@example.org
    """
    _require_one_source(asked)
    wait = duration(timeout)
    if output and not dry_run:
        raise click.UsageError("--output is for --dry-run; sshcred status NAME shows what is in the cluster.")
    desk = WritingDesk(asked)
    if not dry_run and (existing := desk.seen(name)):
        _end_because_of(existing)
    wanted = _wanted(name, desk, asked, dry_run=dry_run)
    if dry_run:
        click.echo(json.dumps(wanted, indent=2) + "\n" if output == "json" else as_yaml(wanted), nl=False)
        return
    made = written(desk.credentials.create(desk.namespace, wanted))
    made = desk.settled(made, wait)
    require_ready(made)
    tell_of_key(made)


def _wanted(name: str, desk: WritingDesk, asked: CreateAsked, *, dry_run: bool) -> dict[str, Any]:
    """Return the manifest, with the key sealed into it."""
    if asked["private_key"] is None:
        return credential_manifest(name, asked["namespace"] if dry_run else None, asked, generate_block(asked))
    to = newest(desk.sealing_keys(asked["sealing_key"]))
    place = SealedFor(desk.namespace, name if asked["scope"] == "strict" else None)
    key = brought_key(asked["private_key"], asked["passphrase_file"])
    sealed = sealed_block(key, to, place)
    click.echo(f"sealed key {key.pair.public.fingerprint} for {place.in_words}, to {described(to)}", err=True)
    return credential_manifest(name, place.namespace, asked, {"sealed": sealed})


def _require_one_source(asked: CreateAsked) -> None:
    if (asked["private_key"] is not None) == asked["generate"]:
        raise click.UsageError("Give exactly one of --private-key FILE (you have the key) and --generate.")
    of_generate = ("algorithm", "bits", "comment", "generate_passphrase")
    of_private_key = ("passphrase_file", "sealing_key")
    for option in of_private_key if asked["generate"] else of_generate:
        if asked[option]:  # type: ignore[literal-required]  # the names of options above
            other = "--private-key" if asked["generate"] else "--generate"
            raise click.UsageError(f"--{option.replace('_', '-')} goes with {other}.")


def _end_because_of(existing: Credential) -> NoReturn:
    name, namespace = existing.key.name, existing.key.namespace
    raise click.ClickException(
        f"there is an SSHCredential {name} in namespace {namespace} already, and its key is not replaced by this "
        f"command. To give it another key: sshcred rotate {name} -n {namespace} --private-key FILE. "
        f"To look at it: sshcred status {name} -n {namespace}"
    )
