"""What a user asked of the API server, from its audit log: counts by verb and resource. Used by the sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from controlplane.audit import AuditEvent, AuditMark
from controlplane.plane import ControlPlane

READS: Final = frozenset({"get", "list"})
LEASES: Final = "leases"


def asked(plane: ControlPlane, since: AuditMark, user: str, namespace: str | None = None) -> dict[str, int]:
    """Count what was answered since the mark, without watches: `create secrets`, `patch sshcredentials/status`.

    With a namespace, only what was asked of that one.
    """
    counts = Counter(
        words(event)
        for event in plane.audit_events(since)
        if event.user == user
        and event.verb != "watch"
        and event.stage == "ResponseComplete"
        and namespace in {None, event.namespace}
    )
    return dict(counts.most_common())


def watches(plane: ControlPlane, since: AuditMark, user: str) -> int:
    """Count the watches that were begun since the mark."""
    return sum(
        event.user == user and event.verb == "watch" and event.stage == "ResponseStarted"
        for event in plane.audit_events(since)
    )


def write_seconds(plane: ControlPlane, since: AuditMark, user: str, namespace: str) -> float:
    """Return the time from a user's first write in a namespace to the last one."""
    events = [e for e in plane.audit_events(since) if (e.user, e.namespace) == (user, namespace)]
    moments = [datetime.fromisoformat(e.received) for e in events if e.verb not in {*READS, "watch"}]
    return (max(moments) - min(moments)).total_seconds() if moments else 0.0


def without_leases(counts: Mapping[str, int]) -> dict[str, int]:
    """Leave out what keeps the leader's Lease."""
    return {words: count for words, count in counts.items() if LEASES not in words}


def writes(counts: Mapping[str, int]) -> int:
    """Return how many of them change something, the Lease aside."""
    return sum(count for words, count in without_leases(counts).items() if words.split(" ")[0] not in READS)


def words(event: AuditEvent) -> str:
    """Return verb and resource of a request, as they are counted."""
    resource = event.resource or event.uri.split("?", maxsplit=1)[0]
    return f"{event.verb} {resource}{'/' if event.subresource else ''}{event.subresource}"
