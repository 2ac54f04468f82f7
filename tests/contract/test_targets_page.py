"""docs/targets.md names what there is: commands, options, fields, values of the chart, every note and every policy."""

from __future__ import annotations

import re
from typing import Any, Final

import click
import pytest
import yaml

from contract.crd_schema import TARGET, fields
from contract.markdown import code_words, table
from contract.readme_commands import TARGETS, shell_commands
from contract.tree import ROOT
from sshcredential_operator.api.target_reasons import TargetNote, TargetReason
from sshcredential_operator.api.target_spec import HostKeyPolicy
from sshcredential_operator.cli.operator import main as operator
from sshcredential_operator.cli.sshcred import main as sshcred

PAGE: Final = TARGETS.read_text()
VALUES: Final = ROOT / "charts" / "sshcredential-operator" / "values.yaml"


def command_at(program: click.Command, words: list[str]) -> click.Command | None:
    """Return the command that these words lead to."""
    found: click.Command | None = program
    for word in words:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(click.Context(found), word)
    return found


def unknown_options(shown: str) -> list[str]:
    """Return the options of a shown command that it does not have."""
    program, *words = shown.removeprefix(".venv/bin/").split()
    command = command_at({"sshcred": sshcred, "sshcredential-operator": operator}[program], words)
    if command is None or isinstance(command, click.Group):
        return [shown]
    known = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    return [word for word in re.findall(r"(?<= )--[a-z-]+", shown) if word not in known]


@pytest.mark.parametrize("shown", [one for one in shell_commands(PAGE) if one.startswith(".venv/bin/")])
def test_every_command_of_ours_exists_with_its_options(shown: str) -> None:
    assert unknown_options(shown) == []


def test_a_command_or_an_option_that_there_is_not_is_noticed() -> None:
    assert unknown_options(".venv/bin/sshcred target login a") != []
    assert unknown_options(".venv/bin/sshcred target trust a --always") == ["--always"]


def test_every_command_about_targets_is_on_the_page() -> None:
    group = command_at(sshcred, ["target"])
    assert isinstance(group, click.Group)
    shown = "\n".join(shell_commands(PAGE))
    missing = [
        name for name in group.list_commands(click.Context(group)) if not re.search(rf"sshcred target {name}\b", shown)
    ]

    assert missing == []


def test_the_table_of_policies_has_all_of_them() -> None:
    assert [code_words(row[0]) for row in table(PAGE, "Policy")] == [[policy.value] for policy in HostKeyPolicy]


def test_the_table_of_troubles_has_reasons_of_targets() -> None:
    named = [word for row in table(PAGE, "It says") for word in code_words(row[0])]

    assert len(named) > 5
    assert [word for word in named if word not in {*TargetReason}] == []


def test_every_note_is_told_of() -> None:
    assert [note for note in TargetNote if f"`{note}`" not in PAGE] == []


def test_every_value_of_the_chart_exists() -> None:
    values: Any = yaml.safe_load(VALUES.read_text())
    named = [word for word in code_words(PAGE) if re.fullmatch(r"targets(\.[A-Za-z]+)+", word)]

    assert len(named) > 3
    for path in named:
        found = values
        for part in path.split("."):
            assert part in found, path
            found = found[part]


def test_every_right_that_admission_asks_for_is_in_the_table() -> None:
    asked = [word for row in table(PAGE, "what the target names") for word in code_words(row[0])]

    assert set(asked) <= {found.path for found in fields(TARGET.schema)}
    assert len(asked) == 4
