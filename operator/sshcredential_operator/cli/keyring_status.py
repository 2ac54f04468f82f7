"""`sshcred keyring status`: which keys there are, where the root key is kept, and what is running."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import click

from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, ring_options
from sshcredential_operator.cli.shown import age_of, show_lines, show_table

HEADS = ("WORKSPACE", "KEY", "AGE", "OLDER KEYS", "CREDENTIALS UNDER OLDER KEYS")


@click.command("status")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
@ring_options
def keyring_status(*, output: str, **asked: Unpack[RingAsked]) -> None:
    r"""Show the root key, the workspaces' keys, the last backup, and what is running.

    \b
    Exit status: 0 it is shown, 1 refused and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring status
      sshcred keyring status -o json
    """
    seen = RingDesk(asked).sheet()
    if output == "json":
        click.echo(json.dumps({"state": seen.state, "requests": dict(seen.requests)}, indent=4))
        return
    show_lines([*_head(seen.state), "", *_running(seen.state, seen.requests), ""])
    rows = [_row(name, one) for name, one in sorted(seen.state["workspaces"].items())]
    if rows:
        show_table(HEADS, rows)
    else:
        click.echo("no workspace has a key yet: the first credential of a namespace makes it")


def _head(state: Mapping[str, Any]) -> Iterator[str]:
    root = state["root"]
    yield f"Root key      {one_line(root['keyId'])}, in {one_line(root['where'])}{_since(root.get('madeAt'))}"
    for one in state["wrappedBy"]:
        yield f"              wraps {one['count']} keys: {one_line(one['source'])} {one_line(one['keyId'])}"
    backed_up = state.get("backedUpAt")
    if backed_up is None:
        yield "Backup        never backed up: without a backup, losing the root key loses every credential"
    else:
        late = str(state.get("changedAt") or "") > str(backed_up)
        newer = "; keys were made since: back up again" if late else ""
        yield f"Backup        {one_line(backed_up)}{_since(backed_up)}{newer}"


def _since(moment: str | None) -> str:
    age = age_of(parse_timestamp(moment or ""))
    return f" ({age} ago)" if age else ""


def _running(state: Mapping[str, Any], requests: Mapping[str, str]) -> Iterator[str]:
    yield "Running"
    said = [f"  asked: {one_line(entry)} {one_line(value)}" for entry, value in sorted(requests.items())]
    pending = {name: one.get("pending", 0) for name, one in sorted(state["workspaces"].items())}
    said += [f"  {one_line(name)}: {left} credentials are under an older key" for name, left in pending.items() if left]
    said += [f"  not under the newest root key: {one_line(name)}" for name in state["left"]]
    said += [f"  does not open: {one_line(name)}" for name in state["unopened"]]
    yield from said or ["  nothing"]
    for entry, why in sorted(state["refused"].items()):
        yield f"  refused: {one_line(entry)}: {one_line(why)}"


def _row(name: str, one: Mapping[str, Any]) -> list[str]:
    older = ", ".join(one["olderKeyIds"]) or "-"
    cells = (name, one["keyId"], age_of(parse_timestamp(one.get("madeAt") or "")) or "?", older)
    return [*(one_line(cell) for cell in cells), str(one.get("pending", 0))]
