"""A group of commands that imports a command's module only when it is used. Used by `sshcred.py` and `operator.py`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Knows its commands without importing them.

    `table` has by name where in this package a command lies, `module:attribute`, and what it is for, for `--help`.
    """

    def __init__(self, *arguments: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **options)
        self._table = table

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return sorted(self._table)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in self._table:
            return None
        module, _separator, attribute = self._table[name][0].partition(":")
        command = getattr(import_module(f"sshcredential_operator.cli.{module}"), attribute)
        return with_paragraphs(command) if isinstance(command, click.Command) else None

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._table[name][1]) for name in sorted(self._table)])


def with_paragraphs(command: click.Command) -> click.Command:
    """Let paragraphs that are marked keep their lines: the mark is a control character, and source has it in words."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        with_paragraphs(inner)
    return command
