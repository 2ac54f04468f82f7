"""What is said of a target in one word or line: where it is, whether it is ready, what its probe found.

Pure, but for the argument that names a target. Used by the commands of `target`, `rotate` and `status`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sshcredential_operator.api.conditions import Condition
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_spec import TargetSpec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.cli.completion import complete_target_names
from sshcredential_operator.cli.sealing_options import credential_name
from sshcredential_operator.cli.shown import age_of

Command = Callable[..., Any]


def target_argument(command: Command) -> Command:
    """Add the argument that names a target."""
    return click.argument("name", metavar="NAME", callback=credential_name, shell_complete=complete_target_names)(
        command
    )


def address(spec: TargetSpec) -> str:
    """Return host and port; an IPv6 address in brackets."""
    return f"[{spec.host}]:{spec.port}" if ":" in spec.host else f"{spec.host}:{spec.port}"


def is_answered(seen: Target) -> bool:
    """Whether the status is about the spec as it is now."""
    return seen.status.observed_generation >= seen.generation


def is_ready(seen: Target) -> bool:
    """Whether every key logs in that should, as far as is known of the spec as it is now."""
    ready = seen.status.ready
    return is_answered(seen) and ready is not None and ready.status == "True"


def readiness(seen: Target) -> tuple[str, str]:
    """Return status and reason of Ready; one that is about an earlier spec says nothing of this one."""
    ready = seen.status.ready
    if ready is None:
        return "Unknown", "Pending"
    return (ready.status, ready.reason) if is_answered(seen) else ("Unknown", "Probing")


def said_of(seen: Target) -> str:
    """Return the message of Ready, for a terminal."""
    return message_of(seen.status.ready)


def message_of(condition: Condition | None) -> str:
    """Return a condition's message, for a terminal."""
    return one_line(condition.message) if condition else "no targets process has looked at it yet"


def last_failed(seen: Target) -> bool:
    """Whether the latest probe did not succeed, whatever Ready still says: one failure does not turn it."""
    probed, succeeded = (parse_timestamp(at or "") for at in (seen.status.last_probe_at, seen.status.last_success_at))
    return probed is not None and (succeeded is None or succeeded < probed)


def ago(moment: str | None) -> str:
    """Return how long ago a moment is: `5m ago`; nothing for none."""
    age = age_of(parse_timestamp(moment or ""))
    return f"{age} ago" if age else ""
