"""One spelling of a moment: what is written is read, and no other text is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read(moment: datetime) -> None:
    assert parse_timestamp(format_timestamp(moment)) == moment.replace(microsecond=0)


@given(st.text(max_size=40))
def test_what_is_read_is_what_is_written(text: str) -> None:
    found = parse_timestamp(text)

    assert found is None or format_timestamp(found) == text


def test_another_zone_is_written_as_utc() -> None:
    moment = datetime(2026, 11, 23, 18, 0, 0, 999_999, timezone(timedelta(hours=1)))

    assert format_timestamp(moment) == "2026-11-23T17:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T17:00:00",
        "2026-11-23T17:00:00+00:00",
        "2026-11-23T17:00:00.5Z",
        "2026-11-23T17:00:00z",
        "2026-11-23 17:00:00Z",
        "20261123T170000Z",
        "2026-W48-1T17:00:00Z",
        "2026-11-23T17:00Z",
        "2026-11-23T17:00:60Z",
        "2026-11-31T17:00:00Z",
        "2026-11-23T17:00:00Z ",
        "٢٠٢٦-11-23T17:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_no_other_text_is_read(text: str) -> None:
    assert parse_timestamp(text) is None
