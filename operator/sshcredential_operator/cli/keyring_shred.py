"""`sshcred keyring shred`: destroys the keys of a workspace, so that no backup of its Secrets opens any more."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Unpack

import click

from sshcredential_operator.api.names import SECRET_SUFFIX
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import namespace_name
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, ring_options
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.writing_desk import duration

if TYPE_CHECKING:
    from sshcredential_operator.client.keyring import StoredKey

_DUMPS: Final = {
    "Secret": (
        "The root key lies in the cluster: who has an old dump of the operator's namespace, or a backup of the "
        "key ring, can still open old backups of this workspace. Destroy those, too."
    ),
}
_NO_DUMPS: Final = (
    "The root key is kept outside the cluster: old dumps of the operator's namespace do not help either. "
    "A backup of the key ring that was made before does: destroy it, too."
)


@click.command("shred")
@click.argument("workspace", metavar="NS", callback=namespace_name)
@click.option("--yes", metavar="NS", help="Do not ask: the same name once more. Needed where there is no terminal.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long for the operator.")
@ring_options
def shred(workspace: str, *, yes: str | None, timeout: str, **asked: Unpack[RingAsked]) -> None:
    r"""Destroy the keys of the workspace NS. Its credentials are lost, and so are all backups of their Secrets.

    It shows before what will be lost, and asks for the workspace's name. The keys' Secrets are deleted with your own
    rights in the operator's namespace. What has been copied elsewhere, such as exports, stays there.

    \b
    Exit status: 0 they are destroyed, 1 they are not and why is said,
    2 wrong use, 3 deleted, but no operator has answered yet, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring shred team-a
      sshcred keyring shred team-a --yes team-a
    """
    patience = duration(timeout)
    if yes is not None and yes != workspace:
        raise click.UsageError(f"--yes takes the name of the workspace once more, which is {workspace}.")
    desk = RingDesk(asked)
    source = desk.sheet().state["root"]["source"]
    keys = [key for key in or_end(desk.ring.keys()) if key.namespace == workspace]
    if not keys:
        end(f"workspace {workspace} has no key that could be destroyed: sshcred keyring status lists all keys")
    for line in _lost(desk, workspace, keys):
        click.echo(line, err=True)
    click.echo(_DUMPS.get(source, _NO_DUMPS), err=True)
    if yes is None:
        _require_the_name(workspace)
    for key in keys:
        or_end(desk.ring.delete(key))
        click.echo(f"destroyed {key.kid}")
    entry = f"reread.{workspace}"
    desk.ask(entry, secrets.token_hex(8))
    desk.answered(entry, patience)
    click.echo(f"the operator has forgotten the keys of {workspace}; its next credential gets a new one")
    click.echo("Restart other processes that hold keys in memory, such as the targets process.", err=True)


def _lost(desk: RingDesk, workspace: str, keys: Sequence[StoredKey]) -> Iterator[str]:
    """Yield what will be lost."""
    credentials = {raw["metadata"]["name"] for raw in or_end(desk.credentials.all_in(workspace))}
    stored = {raw["metadata"]["name"] for raw in or_end(desk.credentials.stored_in(workspace))}
    orphans = sorted(name for name in stored if name.removesuffix(SECRET_SUFFIX) not in credentials)
    yield f"What will be lost in workspace {workspace}, and in every backup of it:"
    yield f"  {len(credentials)} credentials: {_named(sorted(credentials))}"
    yield f"  {len(stored)} Secrets that hold their keys, which stay and do not open any more"
    yield f"  {len(orphans)} of them without a credential: {_named(orphans)}"
    uid = desk.ring.namespace_uid(workspace)
    for key in keys:
        gone = "" if key.namespace_uid == uid else ", of a namespace of this name that is gone"
        yield f"  key {key.kid}{gone}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(one_line, names[:10]))
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown or "-"  # noqa: PLR2004 - ten are enough to recognise


def _require_the_name(workspace: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nothing is destroyed without a terminal to ask on, or --yes {workspace}.")
    answer = click.prompt(
        "Type the name of the workspace to destroy its keys", default="", show_default=False, err=True
    )
    if str(answer).strip() != workspace:
        end("that is not its name: nothing was destroyed")
