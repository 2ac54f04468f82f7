"""Waits until an export is ready, and says meanwhile what it waits for. Used by `export` and `reseal`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from sshcredential_operator.api.conditions import STALLED
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.terminal import one_line

if TYPE_CHECKING:
    from sshcredential_operator.client.exports import Exports
    from sshcredential_operator.client.refused import Refused

LOOK_AGAIN_SECONDS: Final = 0.3


def settled(exports: Exports, export: Export, wait: timedelta) -> Export | Refused:
    """Return the export when it is ready, when only a person can help, or when the time is over."""
    ends, told = time.monotonic() + wait.total_seconds(), ""
    while not _is_settled(export) and time.monotonic() < ends:
        if (why := said_of(export)) != told and _is_answered(export):
            click.echo(f"waiting: {why}", err=True)
            told = why
        time.sleep(LOOK_AGAIN_SECONDS)
        seen = exports.get(export.key.namespace, export.key.name)
        if not isinstance(seen, Export):
            return seen
        export = seen
    return export


def is_ready(export: Export) -> bool:
    """Whether the copy is there, for the spec as it is now."""
    ready = export.status.ready
    return _is_answered(export) and ready is not None and ready.status == "True"


def said_of(export: Export) -> str:
    """Return the message of Ready."""
    ready = export.status.ready
    return one_line(ready.message) if ready else "no operator has looked at it yet"


def why_not(export: Export) -> str:
    """Return reason and message of an export that is not ready."""
    reason = one_line(export.status.ready.reason) if export.status.ready else "Pending"
    return f"{reason}: {said_of(export)}"


def _is_answered(export: Export) -> bool:
    return export.status.observed_generation >= export.generation


def _is_settled(export: Export) -> bool:
    return is_ready(export) or (_is_answered(export) and export.status.condition(STALLED) is not None)
