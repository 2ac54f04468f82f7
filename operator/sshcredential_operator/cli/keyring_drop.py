"""`sshcred keyring drop`: takes away an old key under which nothing is encrypted any more."""

from __future__ import annotations

import re
from typing import Final, Unpack

import click

from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, ring_options
from sshcredential_operator.cli.writing_desk import duration

_WORKSPACES: Final = re.compile(r"[1-9][0-9]{0,5}\.[0-9a-f]{12}\.[0-9a-f]{16}")
_ROOTS: Final = re.compile(r"[0-9a-f]{16}")


@click.command("drop")
@click.argument("key_id", metavar="KEY")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long.")
@ring_options
def drop(key_id: str, *, timeout: str, **asked: Unpack[RingAsked]) -> None:
    r"""Drop the old key KEY: a root key, or a workspace's, as sshcred keyring status names them.

    A key in use is not dropped, and you are told by how many it is used. Backups from the time of the key do not open
    without it: keep a backup of the key ring as long as you keep those.

    \b
    Exit status: 0 it is dropped, 1 it is not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring drop 1.0f2c4d6e8a1b.0123456789abcdef
      sshcred keyring drop 0123456789abcdef
    """
    patience = duration(timeout)
    if not _WORKSPACES.fullmatch(key_id) and not _ROOTS.fullmatch(key_id):
        raise click.BadParameter("is no name of a key such as sshcred keyring status shows", param_hint="KEY")
    desk = RingDesk(asked)
    state = desk.sheet().state
    entry = "drop-root"
    if _WORKSPACES.fullmatch(key_id):
        owners = [name for name, one in state["workspaces"].items() if key_id in (one["keyId"], *one["olderKeyIds"])]
        if not owners:
            end(f"no workspace has a key {key_id}: sshcred keyring status lists all keys")
        entry = f"drop.{owners[0]}"
    elif state["root"]["keyId"] == key_id:
        end(f"{key_id} is the root key that is used: sshcred keyring rotate-root replaces it first")
    desk.ask(entry, key_id)
    desk.answered(entry, patience)
    click.echo(f"dropped {key_id}")
