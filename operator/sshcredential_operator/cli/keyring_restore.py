"""`sshcred keyring restore`: brings the key ring of a backup into a cluster that has none, or has lost some of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sshcredential_operator.cli.backup_files import opened, opening_options
from sshcredential_operator.cli.desk import cluster_options, connect_or_end, operator_namespace_option
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.ring_rebinding import rebind_all
from sshcredential_operator.cli.ring_roots import root_source_option, roots_of
from sshcredential_operator.controller.root_sources import NamedSource
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_documents import kek_document_of
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.root_secret import root_keys_of

if TYPE_CHECKING:
    from sshcredential_operator.client.ring_secrets import RingSecrets


class Outcome(StrEnum):
    """What became of one Secret of the backup, in words for a person."""

    MADE = "made"
    THERE = "there already"
    DIFFERS = "there already, and another one: left alone"


@click.command("restore")
@click.argument("file", metavar="F", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@opening_options
@click.option(
    "--rebind",
    is_flag=True,
    help="Put the credentials' Secrets of namespaces that were made anew under new keys of these namespaces.",
)
@root_source_option
@operator_namespace_option
@cluster_options
def restore(  # noqa: PLR0913 - the options of the command
    *,
    file: Path,
    passphrase_file: Path | None,
    identity: Path | None,
    rebind: bool,
    root_source: tuple[NamedSource, ...],
    operator_namespace: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,  # noqa: ARG001 - the key ring is in the operator's namespace
) -> None:
    r"""Make the Secrets of the key ring in F, as they were. What is there is never overwritten.

    Broken off, it is begun again. Start the operator afterwards: one that finds no key ring makes its own, and where
    another root key is, this refuses. With --rebind, put the credentials' Secrets into their namespaces first.

    \b
    Exit status: 0 all of it is there, 1 refused, or something else is in its place, 2 wrong use,
    4 no cluster answers.

    \b
    Example:
      sshcred keyring restore key-ring.backup --passphrase-file passphrase.txt --rebind
    """
    backup = opened(file, passphrase_file, identity)
    from sshcredential_operator.client.ring_secrets import RingSecrets  # noqa: PLC0415 - lazily, as desk.py says

    secrets = RingSecrets(connect_or_end(kubeconfig, context).api)
    there = {secret.name: secret for secret in or_end(secrets.ring(operator_namespace))}
    _refuse_another_root(there, backup, operator_namespace)
    outcomes = {one.name: _put(secrets, operator_namespace, one, there.get(one.name)) for one in backup.secrets}
    for name, outcome in outcomes.items():
        click.echo(f"{name}: {outcome.value}")
    count = Counter(outcomes.values())
    click.echo(f"{count[Outcome.MADE]} made, {count[Outcome.THERE]} there already", err=True)
    if count[Outcome.DIFFERS]:
        end(f"{count[Outcome.DIFFERS]} are others than in the backup. They were left alone; see above which")
    if backup.root_source is not RootSource.SECRET:
        click.echo(
            f"The root key {backup.root_key_id} was in a {backup.root_source.value}: give the operator the same one "
            "with --root-source.",
            err=True,
        )
    if rebind:
        now = or_end(secrets.ring(operator_namespace))
        asyncio.run(
            rebind_all(secrets, backup, now, roots_of(root_source, now, operator_namespace), operator_namespace)
        )


def _refuse_another_root(there: Mapping[str, StoredSecret], backup: RingBackup, namespace: str) -> None:
    """End where a root key is that is not the backup's: keys under it would be lost among those of the backup."""
    secret = there.get(ROOT_SECRET_NAME)
    keys = None if secret is None else root_keys_of(secret)
    if secret is None or (keys is not None and keys.find(backup.root_key_id) is not None):
        return
    end(
        f"another root key is in namespace {namespace} ({ROOT_SECRET_NAME}); nothing was changed. If an operator made "
        "it before you came to restore, stop the operator, delete its namespace, and begin again"
    )


def _put(secrets: RingSecrets, namespace: str, wanted: StoredSecret, seen: StoredSecret | None) -> Outcome:
    from sshcredential_operator.client.refused import Refused  # noqa: PLC0415 - lazily, as desk.py says
    from sshcredential_operator.client.ring_secrets import CONFLICT  # noqa: PLC0415 - the same

    if seen is not None:
        return Outcome.THERE if _is_same(wanted, seen) else Outcome.DIFFERS
    answer = secrets.create(namespace, wanted)
    if isinstance(answer, Refused) and answer.code == CONFLICT:  # somebody made it just now, or it is of another type
        return Outcome.DIFFERS
    or_end(answer)
    return Outcome.MADE


def _is_same(wanted: StoredSecret, seen: StoredSecret) -> bool:
    """Whether it is the same key. A root with a newer key before it is, and a KEK that was wrapped anew is, too."""
    if (wanted.type, wanted.data) == (seen.type, seen.data) or wanted.name == ROOT_SECRET_NAME:
        return True
    ours, theirs = kek_document_of(wanted), kek_document_of(seen)
    return ours is not None and theirs is not None and ours.kid == theirs.kid
