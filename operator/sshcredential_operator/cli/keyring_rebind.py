"""`sshcred keyring rebind`: gives the keys of a deleted namespace to the one made anew in its place."""

from __future__ import annotations

import secrets
from typing import Unpack

import click

from sshcredential_operator.cli.desk import namespace_name
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, ring_options
from sshcredential_operator.cli.keyring_progress import Progress
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.writing_desk import duration


@click.command("rebind")
@click.argument("workspace", metavar="NS", callback=namespace_name)
@click.option("--timeout", metavar="D", default="10m", show_default=True, help="Wait so long for the operator.")
@ring_options
def rebind(workspace: str, *, timeout: str, **asked: Unpack[RingAsked]) -> None:
    r"""Let Secrets open again that were restored into the namespace NS after it was deleted and made anew.

    A namespace made anew gets a new key, and what was encrypted for the one before does not open: its users may be
    others. This says that they are the same. The old keys only open; the credentials are put under the new key.
    The keys' Secrets are changed with your own rights in the operator's namespace.

    \b
    Exit status: 0 the old keys open there, 1 they do not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring rebind team-a
    """
    patience = duration(timeout)
    desk = RingDesk(asked)
    desk.sheet()
    uid = desk.uid_of(workspace)
    keys = [key for key in or_end(desk.ring.keys()) if key.namespace == workspace and key.namespace_uid != uid]
    if not keys:
        end(
            f"there is no key of an earlier namespace {workspace}: it was not made anew, or its old keys are gone. "
            "sshcred keyring status lists all keys"
        )
    for key in keys:
        if key.rebound_to != uid:
            or_end(desk.ring.bind(key, uid))
        click.echo(f"{key.kid} opens values in {workspace} now")
    entry = f"reread.{workspace}"
    desk.ask(entry, secrets.token_hex(8))
    desk.answered(entry, patience)
    progress = Progress(
        f"{workspace}: credentials under the new key",
        lambda state: int(state["workspaces"].get(workspace, {}).get("pending", 0)),
    )
    desk.until(lambda sheet: not sheet.state["workspaces"].get(workspace, {}).get("pending"), patience, progress)
    click.echo(f"the operator opens with them what it finds in {workspace}, and puts it under the new key")
    click.echo("When all of it is, the old keys can go: sshcred keyring drop KEY", err=True)
