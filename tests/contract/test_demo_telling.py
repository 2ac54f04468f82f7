"""The demo shows what is typed and what comes back, and stops with a sentence at the first thing that is wrong."""

from __future__ import annotations

import io

import pytest

from contract.crd_schema import EXAMPLES, EXPORT, TARGET
from demo.shell import DemoFailed, Shell, require
from demo.story import FOLDER, STORY, Chapter, Export, Run, RunOperator, Say, Step
from demo.telling import Page, Telling


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(*steps: Step, page: io.StringIO | None = None, folder: str = FOLDER) -> str:
    page = page or io.StringIO()
    Telling(Page(page), Shell(), lambda _command, _log: None, folder).tell([Chapter("Once", steps)])
    return page.getvalue()


def test_a_command_is_shown_as_it_is_typed_with_its_real_output() -> None:
    assert told(Say("Look:"), Run("echo one; echo two >&2")) == (
        "\n=== 1. Once ===\n\nLook:\n$ echo one; echo two >&2\none\ntwo\n"
    )


def test_a_command_of_two_lines_is_shown_in_two() -> None:
    assert told(Run("echo \\\n    more")).endswith("$ echo \\\n    more\nmore\n")


def test_what_is_exported_counts_for_the_commands_after_it() -> None:
    assert told(Export("GREETING", "hello"), Run('echo "$GREETING"')).endswith(
        '$ export GREETING=hello\n$ echo "$GREETING"\nhello\n'
    )


def test_another_folder_is_named_in_the_commands() -> None:
    assert told(Run(f"echo {FOLDER}/key"), folder="/tmp/else").endswith("$ echo /tmp/else/key\n/tmp/else/key\n")


def test_the_operator_is_shown_as_a_command_in_the_background() -> None:
    assert told(RunOperator("operator run", ".demo/log")).endswith("$ operator run > .demo/log 2>&1 &\n")


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        pytest.param(Run("echo why; exit 3"), "exit code 3.*: echo why; exit 3", id="a command fails"),
        pytest.param(Run("echo that", ("this",)), "lacks this: echo that", id="the output is not what it should be"),
    ],
)
def test_the_demo_stops_at_what_is_wrong(step: Step, sentence: str) -> None:
    page = io.StringIO()

    with pytest.raises(DemoFailed, match=sentence):
        told(step, Run("echo after"), page=page)

    assert "after" not in page.getvalue()


def test_what_a_failing_command_said_is_shown() -> None:
    page = io.StringIO()

    with pytest.raises(DemoFailed):
        told(Run("echo why >&2; exit 1"), page=page)

    assert page.getvalue().endswith("\nwhy\n")


def test_a_program_that_is_missing_is_named_with_its_remedy() -> None:
    with pytest.raises(DemoFailed, match=r"no-such-program is not on this machine. Install it."):
        require("no-such-program", "Install it.")


def test_a_terminal_gets_colours_unless_it_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in told(Run("true"), page=Terminal())

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in told(Run("true"), page=Terminal())


def test_a_file_gets_none() -> None:
    assert "\x1b[" not in told(Run("true"))


def test_the_examples_of_credentials_are_all_in_the_story() -> None:
    commands = " ".join(step.command for chapter in STORY for step in chapter.steps if isinstance(step, Run))

    others = {str(EXPORT), str(TARGET)}
    of_credentials = [path for path in EXAMPLES.glob("*.yaml") if not others & set(path.read_text().split())]

    assert of_credentials
    assert all(f"examples/{path.name}" in commands for path in of_credentials)
