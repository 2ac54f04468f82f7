"""RFC 3339 times in UTC with whole seconds, as Kubernetes writes them. Used for the record, the status and marks."""

from __future__ import annotations

from datetime import UTC, datetime


def format_timestamp(moment: datetime) -> str:
    """Return `2026-11-23T17:00:00Z`; fractions of a second are cut off."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment, or None where the text is none of ours."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if format_timestamp(moment) == text else None  # it also reads other forms of ISO 8601
    except (ValueError, OverflowError):
        return None
