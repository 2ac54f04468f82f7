"""`cli/shown.py`: the same columns for people and for pipes, and kubectl's forms of objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from sshcredential_operator.cli.shown import age_of, aligned, show_objects

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ONE = {"kind": "SSHCredential", "metadata": {"name": "hpc-login"}}


@pytest.mark.parametrize(
    ("passed", "age"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=179), "179m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=730), "2y"),
    ],
    ids=str,
)
def test_an_age_is_said_as_kubectl_says_it(passed: timedelta, age: str) -> None:
    assert age_of(NOW - passed, NOW) == age


def test_no_moment_has_no_age() -> None:
    assert age_of(None) == ""


def test_columns_are_as_wide_as_they_have_to_be_and_nothing_is_cut() -> None:
    long = "x" * 300

    assert aligned([["A", "B"], ["a", long], ["bbbb", ""]]) == ["A      B", f"a      {long}", "bbbb"]


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_several_objects_are_a_list_and_one_is_itself(
    output: str, read: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(read)
    show_objects([ONE], output, as_list=False)
    assert read(capsys.readouterr().out) == ONE
    show_objects([ONE, ONE], output, as_list=True)
    shown = read(capsys.readouterr().out)
    assert (shown["kind"], shown["items"]) == ("List", [ONE, ONE])


def test_names_are_as_kubectl_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    show_objects([ONE], "name", as_list=True)

    assert capsys.readouterr().out == "sshcredential.sshcredentials.dev/hpc-login\n"


def test_secrets_have_the_name_that_kubectl_takes(capsys: pytest.CaptureFixture[str]) -> None:
    show_objects([{"kind": "Secret", "metadata": {"name": "hpc-login-sshcredential"}}], "name", as_list=True)

    assert capsys.readouterr().out == "secret/hpc-login-sshcredential\n"
