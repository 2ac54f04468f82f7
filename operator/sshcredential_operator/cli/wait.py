"""`sshcred wait`: until credentials are ready, rotated or gone; at once when only a person can help."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.cli.completion import complete_names
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.exit_codes import REFUSED, TIMED_OUT, end
from sshcredential_operator.cli.reading_desk import ReadingDesk, is_missing, or_end
from sshcredential_operator.cli.sealing_options import credential_names
from sshcredential_operator.cli.writing_desk import is_answered, is_ready, is_settled, said_of

LOOK_AGAIN_SECONDS: Final = 0.5
GONE: Final = "deleted"

Seen = Credential | None
"""None: there is no such credential."""


@click.command("wait")
@click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, callback=credential_names, shell_complete=complete_names
)
@click.option(
    "--for",
    "wanted",
    type=click.Choice(["ready", "rotated", GONE]),
    default="ready",
    show_default=True,
    help="rotated: ready, and no next key is announced.",
)
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long for all of them together.")
@cluster_options
def wait(
    names: tuple[str, ...],
    *,
    wanted: str,
    timeout: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
) -> None:
    r"""Wait until each SSHCredential NAME is ready. Ends at once when one needs you.

    \b
    Exit status: 0 it is so, 1 only you can help and how is said, 2 wrong use, 3 time is over, 4 no cluster answers.

    \b
    Examples:
      sshcred wait hpc-login laptop
      sshcred wait hpc-login --for rotated --timeout 48h
    """
    patience = parse_duration(timeout)
    if patience is None:
        raise click.BadParameter("is no duration such as 60s or 2m", param_hint="--timeout")
    desk = ReadingDesk(kubeconfig, context, namespace)
    ends = time.monotonic() + patience.total_seconds()
    for name in names:
        _wait_for(name, desk, wanted, ends)
        click.echo(f"{desk.namespace}/{name} is {wanted}")


def _wait_for(name: str, desk: ReadingDesk, wanted: str, ends: float) -> None:
    told, is_so = "", _CONDITIONS[wanted]
    while not is_so(seen := _seen(name, desk)):
        if wanted != GONE and seen is not None and is_settled(seen) and not is_ready(seen):
            end(f"{desk.namespace}/{name}: {_reason(seen)}: {said_of(seen)}", REFUSED)
        why = "it is still there" if seen and wanted == GONE else said_of(seen) if seen else "it does not exist"
        if why != told and (seen is None or is_answered(seen)):
            click.echo(f"waiting for {desk.namespace}/{name}: {why}", err=True)
            told = why
        if time.monotonic() >= ends:
            end(f"{desk.namespace}/{name} is still waited for: {why}", TIMED_OUT)
        time.sleep(LOOK_AGAIN_SECONDS)


def _seen(name: str, desk: ReadingDesk) -> Seen:
    answer = desk.credentials.get(desk.namespace, name)
    if not isinstance(answer, dict) and is_missing(answer):
        return None
    return parse_credential(or_end(answer))


def _reason(seen: Credential) -> str:
    return seen.status.ready.reason if seen.status.ready else "Pending"


_CONDITIONS: Final[dict[str, Callable[[Seen], bool]]] = {
    "ready": lambda seen: seen is not None and is_ready(seen),
    "rotated": lambda seen: seen is not None and is_ready(seen) and seen.status.next is None,
    GONE: lambda seen: seen is None,
}
