"""`sshcred keyring verify`: lets the operator open all that its key ring holds, and changes nothing."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import click

from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.keyring_desk import RingAsked, RingDesk, ring_options
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.writing_desk import duration
from sshcredential_operator.encryption.credential_secret import peek_kids


@click.command("verify")
@click.option("--credentials", is_flag=True, help="Count, too, which keys the credentials' Secrets name.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long.")
@ring_options
def verify(*, credentials: bool, timeout: str, **asked: Unpack[RingAsked]) -> None:
    r"""Let the operator open the canary, every workspace's key and every sealing key with the root key of now.

    Nothing is changed. --credentials reads the Secrets of all workspaces with your own rights, and opens none of them.

    \b
    Exit status: 0 all of it opens, 1 something does not and what is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring verify
      sshcred keyring verify --credentials
    """
    patience = duration(timeout)
    desk = RingDesk(asked)
    desk.sheet()
    request = secrets.token_hex(8)
    desk.ask("verify", request)
    found = desk.answered("verify", patience).state.get("verified") or {}
    if found.get("request") != request:
        end("somebody else verifies at the same time: try again")
    click.echo(f"root key's canary: {one_line(str(found['canary']))}")
    click.echo(f"workspaces' keys:  {found['keks']} open, {len(found['unopened'])} do not")
    click.echo(f"sealing keys:      {found['sealingKeys']} open, {len(found['sealingUnopened'])} do not")
    wrong = list(_wrong(found))
    if credentials:
        wrong += _counted(desk)
    if wrong:
        end("\n".join(wrong))


def _wrong(found: Mapping[str, Any]) -> Iterator[str]:
    if found["problem"]:
        yield one_line(found["problem"])
    yield from (f"does not open: {one_line(name)}" for name in (*found["unopened"], *found["sealingUnopened"]))


def _counted(desk: RingDesk) -> list[str]:
    """Print how many Secrets name each key; return what is wrong with that."""
    counts = Counter(kid for data in or_end(desk.ring.stored_in(None)) for kid in peek_kids(data))
    workspaces = desk.sheet().state["workspaces"].values()
    known = {kid for one in workspaces for kid in (one["keyId"], *one["olderKeyIds"])}
    for kid, count in sorted(counts.items()):
        click.echo(f"{count} Secrets of credentials name {one_line(kid)}")
    return [
        f"{count} Secrets name {one_line(kid)}, which the key ring does not have: they do not open"
        for kid, count in sorted(counts.items())
        if kid not in known
    ]
