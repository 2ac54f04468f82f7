"""`sshcred reseal`: moves the sealed values of manifests to the newest sealing key, without showing the plaintext."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

import click

from sshcredential_operator.cli.brought_key import brought_key
from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.from_cluster import print_manifest
from sshcredential_operator.cli.manifest_files import files_in
from sshcredential_operator.cli.reseal_files import SealAnew, Task, reseal_file
from sshcredential_operator.cli.resealing import ByOperator
from sshcredential_operator.cli.sealed_block import SealedFor, sealed_block
from sshcredential_operator.cli.sealed_manifests import Kept
from sshcredential_operator.cli.sealing_keys_at_desk import described, newest
from sshcredential_operator.cli.sealing_options import credential_name, passphrase_option, sealing_key_option
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk, duration
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.encryption.sealing_keys import SealingKey


class ResealAsked(ClusterAsked):
    """The options that say where a key, and the key to seal to, come from."""

    private_key: str | None
    passphrase_file: Path | None
    sealing_key: Path | None


@click.command("reseal")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--dry-run", is_flag=True, help="Print what would change, as a unified diff, and change no file.")
@click.option(
    "--from-cluster",
    metavar="NAME",
    callback=credential_name,
    help="Instead of PATH: print a sealed manifest of the SSHCredential NAME, whatever its key's source is.",
)
@click.option("--private-key", metavar="FILE", help="Seal from the original file, not by the operator.")
@passphrase_option
@sealing_key_option
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long for each credential.")
@operator_namespace_option
@cluster_options
def reseal(
    paths: tuple[Path, ...], *, from_cluster: str | None, timeout: str, dry_run: bool, **asked: Unpack[ResealAsked]
) -> None:
    r"""Move the values of spec.sealed in manifests to the operator's newest sealing key.

    PATH is a YAML file, or a folder of them. The key stays the same, and so does everything else in the file. The
    operator seals the key that it has stored, so nobody sees the plaintext; for that you need the verb export on each
    credential (ClusterRole sshcredential-exporter) and the right to read the Secret that it puts the values in. For a
    moment there is an SSHCredentialExport, with --dry-run as well.

    With --private-key, the key is sealed here from its original file, in the manifests that hold it; with
    --sealing-key, that needs no cluster. With -n, only manifests of that namespace are looked at.

    \b
    Exit status: 0 all are sealed to the newest key, 1 one is not and why is said, 2 wrong use.

    \b
    Examples:
      sshcred reseal clusters/production
      sshcred reseal --dry-run hpc-login.yaml
      sshcred reseal --private-key ~/.ssh/id_rsa --sealing-key key.json hpc-login.yaml
      sshcred reseal --from-cluster deploy-key > deploy-key.yaml
    """
    wait, desk = duration(timeout), WritingDesk(asked)
    _require_one_use(paths, from_cluster, asked)
    if from_cluster is not None:
        print_manifest(from_cluster, desk, ByOperator(desk.credentials, desk.exports, _newest(desk, asked), wait))
        return
    to = _newest(desk, asked)
    key = asked["private_key"]
    seal_anew = ByOperator(desk.credentials, desk.exports, to, wait).seal if key is None else _at_desk(key, to, asked)
    task = Task(to, seal_anew, asked["namespace"], dry_run)
    click.echo(f"the newest is {described(to)}", err=True)
    outcomes = [reseal_file(file, task, named=named) for file, named in files_in(paths)]
    if not all(outcomes):
        raise SystemExit(1)


def _newest(desk: WritingDesk, asked: ResealAsked) -> SealingKey:
    return newest(desk.sealing_keys(asked["sealing_key"]))


def _require_one_use(paths: tuple[Path, ...], from_cluster: str | None, asked: ResealAsked) -> None:
    if bool(paths) == (from_cluster is not None):
        raise click.UsageError("Give either the files to reseal, or --from-cluster NAME.")
    if from_cluster is not None and asked["private_key"] is not None:
        raise click.UsageError("--private-key goes with files; sshcred create NAME --dry-run prints a new manifest.")
    if asked["private_key"] is None and (asked["passphrase_file"] or asked["sealing_key"]):
        raise click.UsageError("--passphrase-file and --sealing-key go with --private-key.")


def _at_desk(file: str, to: SealingKey, asked: ResealAsked) -> SealAnew:
    key = brought_key(file, asked["passphrase_file"])
    fingerprint = key.pair.public.fingerprint

    def seal(_: str, old: Seal) -> Mapping[Field, str] | Kept:
        if old.fingerprint != fingerprint:
            return Kept(f"it holds another key, {old.fingerprint}")
        block = sealed_block(key, to, SealedFor(old.namespace, old.name))
        return {Field(field): value for field, value in block.items()}

    return seal
