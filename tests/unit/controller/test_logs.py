"""`controller/logs.py`: libraries' texts never come out, at no level and by no way; ours do, one line each."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.during import during
from sshcredential_operator.controller.logs import JsonFormatter, set_up, where

SECRET = "test-only-b3BlbnNzaC1rZXktdjEA"
LIBRARIES = ["kopf.objects", "kopf._cogs.clients.watching", "asyncio", "root"]
OURS = "sshcredential_operator.controller.shell"

Lines = Callable[[], list[str]]
SetUp = Callable[..., Lines]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    """Set the logs up; return what gives the lines. All that it changes is put back."""
    root, ours, config = (logging.getLogger(name) for name in ("", "sshcredential_operator", "kubernetes.aio.config"))
    levels = [(logger, logger.level) for logger in (root, ours, config)]
    handlers, raising, written = list(root.handlers), logging.raiseExceptions, io.StringIO()

    def set_up_with(*, json: bool = True, debug: bool = True) -> Lines:
        monkeypatch.setattr(sys, "stderr", written)
        set_up(json=json, debug=debug)
        return lambda: written.getvalue().split("\n")[:-1]

    yield set_up_with
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raising
    root.handlers[:] = handlers
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest, log: SetUp, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Set the logs up, with everybody at DEBUG, as no flag can; return what gives the lines."""
    lines = log(json=request.param == "json")
    for name in ("", *LIBRARIES[:-1]):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    return lines


class Speaking(Exception):
    """Says its secret in every way that an exception has."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.add_note(SECRET)

    def __str__(self) -> str:
        return SECRET

    def __repr__(self) -> str:
        return SECRET


def raised() -> Exception:
    try:
        try:
            json.loads(SECRET)
        except ValueError as cause:
            raise Speaking from cause
    except Speaking as error:
        return error
    raise AssertionError


SAYINGS: dict[str, Callable[[logging.Logger, int], None]] = {
    "in the message": lambda log, level: log.log(level, "body: " + SECRET),  # noqa: G003 - as libraries do
    "in an argument": lambda log, level: log.log(level, "body: %s", SECRET),
    "in an argument by name": lambda log, level: log.log(level, "body: %(body)s", {"body": SECRET}),
    "in an exception": lambda log, level: log.log(level, "failed", exc_info=raised()),
    "in an exception as the message": lambda log, level: log.log(level, raised()),
    "in an extra": lambda log, level: log.log(level, "x", extra={"k8s_ref": {"spec": SECRET}, "memo": SECRET}),
    "in an extra with our names": lambda log, level: log.log(
        level, "x", extra={"credential": SECRET, "reason": SECRET}
    ),
    "with a stack": lambda log, level: log.log(level, "failed", stack_info=True, extra={"test-only": SECRET}),
}


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("saying", SAYINGS)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.CRITICAL])
def test_nothing_that_a_library_says_comes_out(lines: Lines, name: str, saying: str, level: int) -> None:
    SAYINGS[saying](logging.getLogger("" if name == "root" else name), level)

    assert SECRET not in "\n".join(lines())
    assert "SAYINGS" not in "\n".join(lines())
    assert len(lines()) == (level >= logging.WARNING)


def test_where_it_spoke_and_what_kind_of_error_it_was_does_come_out(lines: Lines) -> None:
    logging.getLogger("kopf.objects").error("failed", exc_info=raised())

    [line] = lines()
    assert "kopf.objects has something to say at test_logs.py:" in line
    assert "(Speaking)" in line


@pytest.mark.parametrize("name", ["sshcredential_operatorX", "sshcredential_operator_", "sshcredential"])
def test_who_only_sounds_like_us_is_a_library(lines: Lines, name: str) -> None:
    logging.getLogger(name).error("body: %s", SECRET)

    assert SECRET not in "\n".join(lines())


def test_warnings_of_libraries_lose_their_text(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(SECRET, stacklevel=1)

    assert SECRET not in "\n".join(lines())
    assert "py.warnings" in "\n".join(lines())


async def test_an_error_that_nobody_fetched_loses_its_text(lines: Lines) -> None:
    loop = asyncio.get_running_loop()
    loop.default_exception_handler({"message": f"never retrieved: {SECRET}", "exception": raised(), "future": SECRET})

    assert len(lines()) == 1
    assert SECRET not in lines()[0]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_what_we_say_comes_out(lines: Lines, level: int) -> None:
    logging.getLogger(OURS).log(level, "listed %d", 7, extra={"scope": "genomics"})

    [line] = lines()
    assert "listed 7" in line
    assert "genomics" in line
    assert logging.getLevelName(level).lower() in line


def test_tracebacks_of_ours_do_not_come_out_either(lines: Lines) -> None:
    logging.getLogger(OURS).error("pass failed", exc_info=raised(), stack_info=True)

    [line] = lines()
    assert "pass failed" in line
    assert SECRET not in line


def test_without_the_flag_our_debugging_is_silent(log: SetUp) -> None:
    lines = log(debug=False)
    logging.getLogger(OURS).debug("detail")
    logging.getLogger(OURS).info("done")

    assert [json.loads(line)["message"] for line in lines()] == ["done"]


def test_a_record_is_one_json_object_on_one_line(log: SetUp) -> None:
    lines = log()
    logging.getLogger(OURS).warning(
        "two\nlines\u2028 and more", extra={"credential": "genomics/hpc\r\n", "reason": Reason.FORBIDDEN, "code": 403}
    )

    [line] = lines()
    entry: dict[str, Any] = json.loads(line)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "warning",
        "logger": OURS,
        "message": "two\nlines\u2028 and more",
        "credential": "genomics/hpc\r\n",
        "reason": "Forbidden",
        "code": 403,
    }


def test_a_record_of_a_pass_says_of_which(log: SetUp) -> None:
    lines = log()
    with during("credential", "genomics", "hpc-login", 3):
        logging.getLogger(OURS).info("done", extra={"result": "Available"})
        logging.getLogger("aiohttp.client").warning("%s", SECRET)
    logging.getLogger(OURS).info("listed")

    done, library, listed = (json.loads(line) for line in lines())
    fields = ["reconcile", "kind", "namespace", "name", "generation"]
    assert list(done)[-6:] == [*fields, "result"]
    assert [done[field] for field in fields[1:]] == ["credential", "genomics", "hpc-login", 3]
    assert library["reconcile"] == done["reconcile"]
    assert not set(listed) & set(fields)


def test_a_person_reads_the_same(log: SetUp) -> None:
    lines = log(json=False)
    with during("export", "genomics", "hpc-login", None):
        logging.getLogger(OURS).info("done", extra={"result": "Exported"})

    assert re.search(
        r"done reconcile=\w+-\d+ kind=export namespace=genomics name=hpc-login generation=None result=Exported$",
        lines()[0],
    )


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("saying", SAYINGS)
def test_nothing_that_a_library_says_during_a_pass_comes_out(lines: Lines, name: str, saying: str) -> None:
    with during("credential", "genomics", "hpc-login", 3):
        SAYINGS[saying](logging.getLogger("" if name == "root" else name), logging.WARNING)

    [line] = lines()
    assert SECRET not in line
    assert "hpc-login" in line


@pytest.mark.parametrize(
    "value", [Sensitive(SECRET.encode()), {"a": Sensitive(SECRET.encode())}, [Sensitive(SECRET.encode())]], ids=type
)
def test_a_sensitive_value_that_strays_into_a_record_is_three_stars(lines: Lines, value: object) -> None:
    logging.getLogger(OURS).info("made", extra={"value": value})

    [line] = lines()
    assert SECRET not in line
    assert "***" in line


def test_a_value_that_cannot_be_written_loses_its_record_and_nothing_else(lines: Lines) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError(SECRET)

        __repr__ = __str__

    logging.getLogger(OURS).info("odd", extra={"value": Odd()})
    logging.getLogger(OURS).info("next")

    assert SECRET not in "\n".join(lines())
    assert "next" in lines()[-1]


def test_where_names_the_place_and_nothing_of_the_text() -> None:
    error = raised()

    assert where(error).startswith("test_logs.py:")
    assert SECRET not in where(error)
    assert where(ValueError(SECRET)) == "?"
    with pytest.raises(ValueError, match="Expecting") as failed:
        json.loads(SECRET)
    assert where(failed.value).startswith("decoder.py:")


def test_the_json_formatter_alone_gives_no_exception_text() -> None:
    record = logging.LogRecord(OURS, logging.ERROR, __file__, 1, "failed", (), (Speaking, raised(), None))

    assert SECRET not in JsonFormatter().format(record)
