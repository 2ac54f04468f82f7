"""Asks a person before something that cannot be undone by the same command. Used by `target trust` and `rotate`."""

from __future__ import annotations

import sys

import click

from sshcredential_operator.cli.exit_codes import end

_YES = "yes"


def require_yes(question: str, without_terminal: str, otherwise: str) -> None:
    """Go on when the whole word yes is typed; without a terminal end with wrong use, and any other answer ends."""
    if not sys.stdin.isatty():
        raise click.UsageError(without_terminal)
    answer = click.prompt(f"{question} Type yes or no", default="no", show_default=False, err=True)
    if str(answer).strip() != _YES:
        end(otherwise)
