"""Writes docs/reference/sshcred.md from the commands themselves. Called by `make generate`, and by `make check`.

With `--check` nothing is written: the exit status says whether the page is what it should be.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.cli.exit_codes import MEANINGS
from sshcredential_operator.cli.sshcred import COMMANDS, main

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "sshcred.md"

HEAD: Final = """\
<!-- Generated from operator/sshcredential_operator/cli/ by `make generate`. Do not edit. -->

# sshcred

What people do with SSH credentials, as one command; `kubectl sshcred` is the same. It uses your kubeconfig and its
current context, as kubectl does, and no right but yours. Into a pipe nothing is coloured, wrapped or cut; `NO_COLOR`
takes colours away on a terminal, too. No option takes a passphrase, so that none stands in a list of processes or in a
shell's history.

Shell completion, of names of credentials as well: `sshcred completion --help`.

## Exit status

| Status | Meaning |
|---|---|
"""


def page() -> str:
    """Return the whole page."""
    codes = [f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()]
    return HEAD + "\n".join([*codes, "", *sections(click.Context(main, info_name="sshcred"))]).rstrip("\n") + "\n"


def sections(root: click.Context) -> Iterator[str]:
    """Yield a section for each command, and for each below it."""
    for name in sorted(COMMANDS):
        command = main.get_command(root, name)
        if command is not None:
            yield from section(command, click.Context(command, parent=root, info_name=name))


def section(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield what one command is for, its options, and those below it."""
    yield from (f"## {context.command_path}", "")
    yield from ("```text", f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}", "```", "")
    for paragraph in inspect.cleandoc(command.help or "").replace("\\b", "\b").split("\n\n"):
        yield from _paragraph(paragraph)
    records = [option.get_help_record(context) for option in command.params]
    options = [record for record in records if record and record[1]]
    if options:
        yield from ("| Option | Meaning |", "|---|---|")
        yield from (f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in options)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from section(inner, click.Context(inner, parent=context, info_name=name))


def _paragraph(text: str) -> Iterator[str]:
    head, *lines = text.removeprefix("\b\n").splitlines()
    if head == "Examples:" or head.startswith("Example"):
        yield from (head, "", "```console", *(f"$ {line.strip()}" for line in lines), "```", "")
    elif text.startswith("\b\n"):
        yield from (" ".join([head, *(line.strip() for line in lines)]), "")
    else:
        yield from (" ".join(text.split("\n")), "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def run() -> int:
    """Write the page, or with `--check` tell whether it is up to date."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted)
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    print(f"{PAGE.name} is not what the commands say of themselves: run make generate", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run())
