"""`api/durations.py`: the durations of the API and what is none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.durations import LONGEST_DURATION, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("168h", timedelta(days=7), id="hours"),
        pytest.param("90m", timedelta(minutes=90), id="more minutes than an hour has"),
        pytest.param("30s", timedelta(seconds=30), id="seconds"),
        pytest.param("1h30m", timedelta(hours=1, minutes=30), id="hours and minutes"),
        pytest.param("1h1s", timedelta(hours=1, seconds=1), id="hours and seconds"),
        pytest.param("168h0m0s", timedelta(days=7), id="as Go prints it"),
        pytest.param("0s", timedelta(0), id="nothing"),
        pytest.param("007m", timedelta(minutes=7), id="leading zeros"),
        pytest.param("87600h", LONGEST_DURATION, id="the longest in hours"),
        pytest.param("315360000s", LONGEST_DURATION, id="the longest in seconds"),
    ],
)
def test_a_duration_is_understood(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing at all"),
        pytest.param("0", id="a number without a unit"),
        pytest.param("7d", id="days"),
        pytest.param("100ms", id="milliseconds"),
        pytest.param("1.5h", id="a fraction"),
        pytest.param("-1h", id="a negative one"),
        pytest.param("+1h", id="a sign"),
        pytest.param("1 h", id="a blank inside"),
        pytest.param(" 1h", id="a blank before"),
        pytest.param("1h\n", id="a line break after"),
        pytest.param("1H", id="a capital unit"),
        pytest.param("30m1h", id="minutes before hours"),
        pytest.param("1h1h", id="hours twice"),
        pytest.param("h", id="a unit without a number"),
        pytest.param("\u0661h", id="a digit of another script"),
        pytest.param("P7D", id="ISO 8601"),
        pytest.param("forever", id="a word"),
        pytest.param("87600h1s", id="a second more than the longest"),
        pytest.param("999999h9999999m999999999s", id="the largest that has the shape"),
        pytest.param("1000000h", id="too many digits"),
        pytest.param("1" * 5000 + "s", id="thousands of digits"),
    ],
)
def test_what_is_no_duration_gives_none(text: str) -> None:
    assert parse_duration(text) is None


@given(hours=st.integers(0, 80_000), minutes=st.integers(0, 59), seconds=st.integers(0, 59))
def test_what_go_prints_is_read_back(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == timedelta(hours=hours, minutes=minutes, seconds=seconds)
