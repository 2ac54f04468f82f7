"""`sshcred keyring rotate-root` and `rotate-workspace`: newer keys in the place of those that are used now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Unpack

import click

from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import namespace_name
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, kids_in, ring_options
from sshcredential_operator.cli.keyring_progress import Progress
from sshcredential_operator.cli.keyring_serials import MUST_BE_REPLACED, raise_serials_or_tell
from sshcredential_operator.cli.writing_desk import duration

RE_ENCRYPT: Final = " re-encrypt"
wait_option = click.option("--wait/--no-wait", default=True, help="Whether to wait until it is done. Default: --wait.")
timeout_option = click.option("--timeout", metavar="D", default="1h", show_default=True, help="Wait so long.")

key_option = click.option(
    "--key", metavar="KEY", help="Replace this key, and no other: given again when it is replaced, it makes no new one."
)


@click.command("rotate-root")
@key_option
@wait_option
@timeout_option
@ring_options
def rotate_root(*, key: str | None, wait: bool, timeout: str, **asked: Unpack[RingAsked]) -> None:
    r"""Replace the root key that the operator keeps in its Secret, and wrap every workspace's key anew.

    No credential is written. The root key before stays until you drop it: sshcred keyring drop. A root key in a file or
    a KMS is replaced where it is kept, and the operator follows. Make a new backup afterwards.

    \b
    Exit status: 0 it is replaced, 1 it is not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring rotate-root
      sshcred keyring rotate-root --no-wait
    """
    patience = duration(timeout)
    desk = RingDesk(asked)
    seen = desk.sheet()
    root = seen.state["root"]
    if root["source"] != "Secret":
        end(
            f"the root key is not kept by the operator ({one_line(root['where'])}): "
            "replace it where it is kept, and the operator follows by itself"
        )
    if "rotate-root" in seen.requests or _wrapped_by_others(seen.state):
        click.echo("a rotation of the root key is under way: watching that one", err=True)
    elif key is not None and key != root["keyId"]:
        click.echo(f"{one_line(key)} is not the root key for writing any more: nothing is asked for", err=True)
    else:
        click.echo(_if_broken_off("rotate-root", root["keyId"]), err=True)
        desk.ask("rotate-root", root["keyId"])
    if not wait:
        click.echo("asked for another root key: sshcred keyring status")
        return
    progress = Progress("keys under the newest root key", _wrapped_by_others)
    desk.answered("rotate-root", patience, progress)
    done = desk.until(lambda sheet: not _wrapped_by_others(sheet.state), patience, progress)
    click.echo(f"the root key is {one_line(done.state['root']['keyId'])}, and wraps every key of the key ring")
    if done.state["root"]["keyId"] != root["keyId"]:
        click.echo(f"Backups of before need the old one. To drop it: sshcred keyring drop {one_line(root['keyId'])}")


def _wrapped_by_others(state: Mapping[str, Any]) -> int:
    """Return how many keys of the ring are not under the root key for writing."""
    root = (state["root"]["source"], state["root"]["keyId"])
    return sum(int(one["count"]) for one in state["wrappedBy"] if (one["source"], one["keyId"]) != root)


class WorkspaceAsked(RingAsked):
    """All options of `rotate-workspace` but those of the command alone."""

    key: str | None


@click.command("rotate-workspace")
@click.argument("workspace", metavar="NS", required=False, callback=namespace_name)
@key_option
@click.option("--all", "every", is_flag=True, help="Every workspace that has a key, one after the other.")
@click.option("--re-encrypt", is_flag=True, help="Make new data keys as well, after a suspected leak.")
@click.option("--raise-serials", is_flag=True, help="With --re-encrypt: ask for other SSH keys afterwards.")
@wait_option
@timeout_option
@ring_options
def rotate_workspace(
    workspace: str | None,
    *,
    every: bool,
    re_encrypt: bool,
    raise_serials: bool,
    wait: bool,
    timeout: str,
    **asked: Unpack[WorkspaceAsked],
) -> None:
    r"""Replace the key of the workspace NS, and put its credentials under the newer one.

    The SSH keys stay the same. The workspace's key before stays until you drop it: sshcred keyring drop. A command that
    was broken off goes on watching when it is given again; with --key, it makes no
    other key when all is done.

    After a suspected leak use --re-encrypt. It does not help against a private key that got out: those must be
    replaced, too, which --raise-serials asks for where the operator makes the keys.

    \b
    Exit status: 0 it is replaced, 1 it is not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring rotate-workspace team-a
      sshcred keyring rotate-workspace --all
      sshcred keyring rotate-workspace team-a --re-encrypt --raise-serials
    """
    if (workspace is None) is not every:
        raise click.UsageError("Give either the name of a workspace or --all.")
    if asked["key"] is not None and every:
        raise click.UsageError("--key is about one workspace: give its name, and not --all.")
    if raise_serials and not re_encrypt:
        raise click.UsageError("--raise-serials belongs to --re-encrypt: to replace one SSH key, use sshcred rotate.")
    if raise_serials and not wait:
        raise click.UsageError("--raise-serials comes after the rotation: leave out --no-wait.")
    patience = duration(timeout)
    desk = RingDesk(asked)
    names = sorted(desk.sheet().state["workspaces"]) if workspace is None else [workspace]
    if not names:
        end("no workspace has a key yet: the first credential of a namespace makes it")
    for name in names:
        _rotate(desk, name, asked["key"], patience if wait else None, re_encrypt=re_encrypt, every=every)
    if re_encrypt:
        click.echo(MUST_BE_REPLACED, err=True)
        if wait:
            raise_serials_or_tell(desk, names, wanted=raise_serials)


def _if_broken_off(command: str, key: str) -> str:
    return f"if this is broken off, go on with: sshcred keyring {command} --key {one_line(key)}"


def _rotate(
    desk: RingDesk, name: str, key: str | None, patience: timedelta | None, *, re_encrypt: bool, every: bool
) -> None:
    seen = desk.sheet()
    entry, workspace = f"rotate.{name}", seen.state["workspaces"].get(name, {})
    if every and not isinstance(desk.ring.namespace_uid(name), str):
        click.echo(f"{name}: there is no such namespace any more, and its key is left as it is", err=True)
        return
    kids = kids_in(workspace, desk.uid_of(name))
    if not kids:
        end(f"workspace {name} has no key yet: its first credential makes it. sshcred keyring status lists all keys")
    if (waits := seen.requests.get(entry)) or workspace.get("pending"):
        if re_encrypt and not (waits or "").endswith(RE_ENCRYPT):
            end(f"{name}: a rotation without --re-encrypt is under way: let it end, and give this command again")
        click.echo(f"{name}: a rotation is under way: watching that one", err=True)
    elif key is not None and key not in kids:
        end(f"workspace {name} has no key {one_line(key)}: sshcred keyring status lists all keys")
    elif key is not None and key != kids[0]:
        click.echo(f"{name}: {key} is replaced already, and nothing is asked for", err=True)
    else:
        click.echo(f"{name}: {_if_broken_off(f'rotate-workspace {name}', kids[0])}", err=True)
        desk.ask(entry, kids[0] + (RE_ENCRYPT if re_encrypt else ""))
    if patience is None:
        click.echo(f"{name}: asked for another key: sshcred keyring status")
        return
    progress = Progress(f"{name}: credentials under the newest key", lambda state: _pending(state, name))
    desk.answered(entry, patience, progress)
    done = desk.until(lambda sheet: not _pending(sheet.state, name), patience, progress)
    newest = kids_in(done.state["workspaces"].get(name, {}), desk.uid_of(name))
    click.echo(f"{name}: the key is {one_line(newest[0]) if newest else '(none)'}, and all credentials are under it")
    for old in newest[1:]:
        click.echo(f"{name}: backups of before need {one_line(old)}. To drop it: sshcred keyring drop {one_line(old)}")


def _pending(state: Mapping[str, Any], name: str) -> int:
    return int(state["workspaces"].get(name, {}).get("pending", 0))
