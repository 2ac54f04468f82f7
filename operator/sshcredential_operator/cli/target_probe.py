"""`sshcred target probe`: tries a target now, and says what came of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.names import PROBE_REQUESTED_ANNOTATION
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.exit_codes import TIMED_OUT, end
from sshcredential_operator.cli.reading_desk import ReadingDesk, or_end
from sshcredential_operator.cli.target_words import is_ready, last_failed, readiness, said_of, target_argument
from sshcredential_operator.cli.writing_desk import duration

LOOK_AGAIN_SECONDS: Final = 0.3


@click.command("probe")
@target_argument
@click.option("--wait/--no-wait", default=True, help="Whether to wait for what it finds. Default: --wait.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long.")
@cluster_options
def probe(
    name: str, *, wait: bool, timeout: str, kubeconfig: Path | None, context: str | None, namespace: str | None
) -> None:
    r"""Let the SSHTarget NAME be probed now: log in with every key that should, and say what came of it.

    \b
    Exit status: 0 every key logs in, 1 it does not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred target probe login-node
      sshcred target probe login-node --no-wait
    """
    patience = duration(timeout)
    desk = ReadingDesk(kubeconfig, context, namespace)
    seen = parse_target(desk.must_see_target(name))
    request = datetime.now(UTC).isoformat(timespec="microseconds")
    or_end(desk.targets.annotate(seen, {PROBE_REQUESTED_ANNOTATION: request}, this_revision=False))
    if not wait:
        click.echo(f"asked for a probe of {seen.key}: sshcred target status {name} -n {desk.namespace}")
        return
    _tell(_probed(desk, seen, request, patience))


def _probed(desk: ReadingDesk, seen: Target, request: str, patience: timedelta) -> Target:
    """Return the target when this request was handled; another person's later one also answers it."""
    ends, name = time.monotonic() + patience.total_seconds(), seen.key.name
    while True:
        seen = parse_target(desk.must_see_target(name))
        if seen.status.handled_probe_request in {request, seen.probe_request or request}:
            return seen
        if time.monotonic() >= ends:
            end(
                f"{seen.key} was not probed within {patience.total_seconds():g} s: does the targets process run "
                "(the chart's targets.enabled), and does it serve this namespace? The request stays; "
                f"sshcred target status {name} -n {desk.namespace} shows when it is answered",
                TIMED_OUT,
            )
        time.sleep(LOOK_AGAIN_SECONDS)


def _tell(seen: Target) -> None:
    """Say what the probe found, or end with it."""
    status, reason = (one_line(word) for word in readiness(seen))
    look = f"Look at all of it with: sshcred target status {seen.key.name} -n {seen.key.namespace}"
    if not is_ready(seen):
        end(f"{seen.key} is not ready: {reason}: {said_of(seen)}\n{look}")
    if last_failed(seen):
        end(
            f"{seen.key} did not answer as it should at this probe. Ready stays {status} ({reason}) for now: trouble "
            f"that may pass turns it only when it comes twice. It is tried again in 5 minutes or more\n{look}"
        )
    keys = ", ".join(map(one_line, seen.status.authenticated_fingerprints))
    click.echo(f"{seen.key} is ready: {said_of(seen)}")
    click.echo(f"Keys that log in: {keys or '(none told)'}")
