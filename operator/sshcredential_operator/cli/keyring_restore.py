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
from sshcredential_operator.cli.ring_returning import opens_here, roots_here, wanted_here
from sshcredential_operator.cli.ring_roots import root_source_option, roots_of
from sshcredential_operator.controller.root_sources import NamedSource
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_return import Returning, document_of
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, ROOT_SECRET_TYPE, RootSource
from sshcredential_operator.encryption.roots import Roots

if TYPE_CHECKING:
    from sshcredential_operator.client.ring_secrets import RingSecrets


class Outcome(StrEnum):
    """What became of one Secret of the backup, in words for a person."""

    MADE = "made"
    THERE = "there already"
    ANEW = "there already, and wrapped anew by the root key that is here"
    SHUT = "there already, under a root key that is not here: left alone; --rewrap takes the backup's"
    DIFFERS = "there already, and another one: left alone"


@click.command("restore")
@click.argument("file", metavar="F", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@opening_options
@click.option(
    "--rebind",
    is_flag=True,
    help="Put the credentials' Secrets of namespaces that were made anew under new keys of these namespaces.",
)
@click.option(
    "--rewrap",
    is_flag=True,
    help="Where a key of F is there, but does not open with the root key here, let the same key from F take its place.",
)
@click.option("--beside", is_flag=True, help="Put the keys of F beside those of another key ring that is in use here.")
@root_source_option
@operator_namespace_option
@cluster_options
def restore(  # noqa: PLR0913 - the options of the command
    *,
    file: Path,
    passphrase_file: Path | None,
    identity: Path | None,
    rebind: bool,
    rewrap: bool,
    beside: bool,
    root_source: tuple[NamedSource, ...],
    operator_namespace: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,  # noqa: ARG001 - the key ring is in the operator's namespace
) -> None:
    r"""Make the Secrets of the key ring in F. What is there is never overwritten.

    Broken off, it is begun again. Where no root key is, it comes back as it was. Where another one is, in the Secret
    or named with --root-source, the keys of F are wrapped by that one; --root-source secret makes one where none is.
    With --rebind, put the credentials' Secrets into their namespaces first.

    \b
    Exit status: 0 all of it is there, 1 refused, or something else is in its place, 2 wrong use,
    4 no cluster answers.

    \b
    Examples:
      sshcred keyring restore key-ring.backup --passphrase-file passphrase.txt --rebind
      sshcred keyring restore key-ring.backup --identity backup-key.json --root-source kms:/run/kms/kms.sock
    """
    backup = opened(file, passphrase_file, identity)
    from sshcredential_operator.client.ring_secrets import RingSecrets  # noqa: PLC0415 - lazily, as desk.py says

    secrets = RingSecrets(connect_or_end(kubeconfig, context).api)
    there = or_end(secrets.ring(operator_namespace))
    roots, fresh = roots_here(root_source, there, backup, operator_namespace)
    wanted = wanted_here(backup, roots, there, operator_namespace, beside=beside)
    if fresh:
        wanted = wanted._replace(secrets=(fresh, *wanted.secrets))
    desk = _Desk(secrets, operator_namespace, {secret.name: secret for secret in there}, roots, rewrap=rewrap)
    _tell({one.name: desk.put(one) for one in wanted.secrets}, wanted, backup, roots)
    if rebind:
        now = or_end(secrets.ring(operator_namespace))
        roots = roots or roots_of(root_source, now, operator_namespace)
        asyncio.run(rebind_all(secrets, backup, now, roots, operator_namespace))


class _Desk:
    """Puts one Secret after the other where it belongs."""

    def __init__(
        self,
        secrets: RingSecrets,
        namespace: str,
        there: Mapping[str, StoredSecret],
        roots: Roots | None,
        *,
        rewrap: bool,
    ) -> None:
        self._secrets, self._namespace, self._there = secrets, namespace, there
        self._roots, self._rewrap = roots, rewrap

    def put(self, wanted: StoredSecret) -> Outcome:
        """Make it, unless there is one."""
        from sshcredential_operator.client.refused import Refused  # noqa: PLC0415 - lazily, as desk.py says
        from sshcredential_operator.client.ring_secrets import CONFLICT  # noqa: PLC0415 - the same

        if seen := self._there.get(wanted.name):
            return self._beside(wanted, seen)
        answer = self._secrets.create(self._namespace, wanted)
        if isinstance(answer, Refused) and answer.code == CONFLICT:  # somebody made it just now, or of another type
            return Outcome.DIFFERS
        or_end(answer)
        return Outcome.MADE

    def _beside(self, wanted: StoredSecret, seen: StoredSecret) -> Outcome:
        if not _is_same(wanted, seen):
            return Outcome.DIFFERS
        if document_of(seen) is None or opens_here(seen, self._roots):
            return Outcome.THERE
        if not self._rewrap:
            return Outcome.SHUT
        or_end(self._secrets.change(self._namespace, seen, wanted.data))
        return Outcome.ANEW


def _tell(outcomes: Mapping[str, Outcome], wanted: Returning, backup: RingBackup, roots: Roots | None) -> None:
    """Say what became of each, and end if not all of it is there."""
    for name, outcome in outcomes.items():
        click.echo(f"{name}: {outcome.value}")
    for name in wanted.closed:
        click.echo(f"{name}: did not open when the backup was made, so that the root key here cannot keep it")
    count = Counter(outcomes.values())
    click.echo(f"{count[Outcome.MADE]} made, {count[Outcome.THERE] + count[Outcome.ANEW]} there already", err=True)
    if not wanted.own_root and roots:
        source, key_id = roots.id
        click.echo(f"The keys are under the root key {key_id} ({source.value}) now, not the backup's.", err=True)
    elif backup.root_source is not RootSource.SECRET:
        click.echo(
            f"The root key {backup.root_key_id} was in a {backup.root_source.value}: give the operator the same one "
            "with --root-source.",
            err=True,
        )
    if left := count[Outcome.DIFFERS] + count[Outcome.SHUT] + len(wanted.closed):
        end(f"{left} are not there as in the backup. They were left alone; see above which")


def _is_same(wanted: StoredSecret, seen: StoredSecret) -> bool:
    """Whether it is the same key. A root with a newer key before it is, and a key that was wrapped anew is, too."""
    if (wanted.type, wanted.data) == (seen.type, seen.data):
        return True
    if wanted.name == ROOT_SECRET_NAME:
        return seen.type == ROOT_SECRET_TYPE
    ours, theirs = document_of(wanted), document_of(seen)
    return ours is not None and theirs is not None and ours.kid == theirs.kid
