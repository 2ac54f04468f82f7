"""The API server's audit log: its policy, its flags, and its entries as values. Used by `plane` and by tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NewType

AuditLevel = Literal["Metadata", "Request", "RequestResponse"]

AuditMark = NewType("AuditMark", int)
"""A place in the audit log, before which everything is ignored."""

BEGINNING = AuditMark(0)


def policy(level: AuditLevel) -> str:
    """Return an audit policy that logs every request, once when it is answered.

    A watch is logged when it begins (stage ResponseStarted) and again when it ends: it may outlive the test.
    """
    return json.dumps(
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": level}],
        }
    )


def flags(policy_file: Path, log: Path) -> tuple[str, ...]:
    """Return the API server's flags. One file that is never rotated, so that a mark stays good."""
    return (f"--audit-policy-file={policy_file}", f"--audit-log-path={log}", "--audit-log-maxsize=1000000")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One request. `namespace`, `name` and `subresource` are empty where the request has none."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    stage: str
    uri: str
    user_agent: str
    raw: dict[str, Any]

    @property
    def received(self) -> str:
        """When the request came: RFC 3339 in UTC, to compare as text."""
        return str(self.raw["requestReceivedTimestamp"])


def parse(line: bytes) -> AuditEvent:
    """Return the entry of one line of the log."""
    raw = json.loads(line)
    about = raw.get("objectRef", {})
    return AuditEvent(
        user=raw["user"].get("username", ""),
        verb=raw["verb"],
        group=about.get("apiGroup", ""),
        resource=about.get("resource", ""),
        subresource=about.get("subresource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=raw.get("responseStatus", {}).get("code", 0),
        stage=raw["stage"],
        uri=raw["requestURI"],
        user_agent=raw.get("userAgent", ""),
        raw=raw,
    )


def mark(log: Path) -> AuditMark:
    """Return the present end of the log."""
    return AuditMark(log.stat().st_size)


def read(log: Path, since: AuditMark = BEGINNING) -> list[AuditEvent]:
    """Return the entries after a mark. A line that is being written is left for the next call.

    An API server that is killed may leave a line without its end, or a hole.
    """
    with log.open("rb") as file:
        file.seek(since)
        complete = file.read().rpartition(b"\n")[0]
    return [parse(line) for line in complete.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
