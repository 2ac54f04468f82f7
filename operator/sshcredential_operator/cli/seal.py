"""`sshcred seal`: from a private key file to the values of `spec.sealed`, which may lie in Git."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Unpack

import click

from sshcredential_operator.cli.brought_key import brought_key
from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.export_manifest import as_yaml
from sshcredential_operator.cli.sealed_block import SealedFor, sealed_block
from sshcredential_operator.cli.sealing_keys_at_desk import described, newest
from sshcredential_operator.cli.sealing_options import SealingAsked, credential_name, passphrase_option, sealing_options
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk


class SealAsked(ClusterAsked, SealingAsked):
    """All options of `seal` that other commands have, too."""


@click.command("seal")
@click.argument("file", metavar="FILE")
@click.option("--name", metavar="NAME", callback=credential_name, help="The SSHCredential's metadata.name.")
@click.option("--output", "-o", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@passphrase_option
@sealing_options
@operator_namespace_option
@cluster_options
def seal(file: str, *, name: str | None, output: str, passphrase_file: Path | None, **asked: Unpack[SealAsked]) -> None:
    r"""Seal the private key in FILE (- for standard input) for one SSHCredential, and print its spec.sealed.

    The key is checked and repaired as the operator would do it, and encrypted here: what is printed can lie in Git, and
    only the operator opens it. A passphrase is asked for where the key has one. Paste the block under spec: of a
    manifest; sshcred create NAME --private-key FILE --dry-run -o yaml prints a whole one.

    \b
    Exit status: 0 it is sealed, 1 the key is refused or there is no sealing key, 2 wrong use.

    \b
    Examples:
      sshcred seal ~/.ssh/id_ed25519 --name hpc-login -n genomics
      sshcred seal id_rsa --passphrase-file passphrase.txt --scope namespace -n genomics --sealing-key key.json
    """
    strict = asked["scope"] == "strict"
    if strict == (name is None):
        raise click.UsageError(
            "Give --name NAME, the SSHCredential that the key is for; or --scope namespace, for any of the namespace."
            if strict
            else "Give either --name or --scope namespace, which is for any SSHCredential of the namespace."
        )
    desk = WritingDesk(asked)
    to, place = newest(desk.sealing_keys(asked["sealing_key"])), SealedFor(desk.namespace, name)
    key = brought_key(file, passphrase_file)
    block = {"sealed": sealed_block(key, to, place)}
    click.echo(as_yaml(block) if output == "yaml" else json.dumps(block, indent=2) + "\n", nl=False)
    click.echo(f"sealed key {key.pair.public.fingerprint} for {place.in_words}, to {described(to)}", err=True)
