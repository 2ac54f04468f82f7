"""How a visit fails on its way through this package: an exception that carries the Failed value, and no text.

Raised by what stands on paramiko; `client.py` turns it into the value that callers see.
"""

from __future__ import annotations

from collections.abc import Mapping

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.visit import Failed, Hop


class VisitEnded(Exception):
    """The visit is over. It has no text: what a server or a library says stays where it was said."""

    def __init__(self, failed: Failed) -> None:
        super().__init__()
        self.failed = failed


def ended(reason: TargetReason, facts: Mapping[str, str | int] | None = None) -> VisitEnded:
    """Return the end of a visit with this reason."""
    return VisitEnded(Failed(reason, facts or {}))


def at_jump(hop: Hop, failed: Failed) -> Failed:
    """Return what a failure at a jump host means for the target behind it."""
    return Failed(TargetReason.JUMP_FAILED, {"hop": f"{hop.host}:{hop.port}", "why": failed.reason})
