"""RFC 3339 times in UTC with whole seconds, as Kubernetes writes them. Used for the record, the status and marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


def format_timestamp(moment: datetime) -> str:
    """Return `2026-11-23T17:00:00Z`; fractions of a second are cut off."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment, or None where the text is none of ours."""
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
