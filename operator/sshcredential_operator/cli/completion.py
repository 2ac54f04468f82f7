"""`sshcred completion`: what a shell needs to complete commands, options and names of credentials and targets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from sshcredential_operator.cli.reading_desk import ReadingDesk

SECONDS: Final = 2.0
"""So long may completing a name take; after that there is nothing to complete."""
PLACES: Final = {
    "bash": "source <(sshcred completion bash)    # in ~/.bashrc",
    "zsh": "source <(sshcred completion zsh)     # in ~/.zshrc, after compinit",
    "fish": "sshcred completion fish > ~/.config/fish/completions/sshcred.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(PLACES)))
def completion(shell: str) -> None:
    r"""Print the completion script for a shell: commands, options, and names of credentials and targets.

    \b
    Exit status: 0 it is printed, 2 wrong use.

    \b
    Examples:
      source <(sshcred completion bash)    # in ~/.bashrc
      source <(sshcred completion zsh)     # in ~/.zshrc, after compinit
      sshcred completion fish > ~/.config/fish/completions/sshcred.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only here

    from sshcredential_operator.cli.sshcred import main  # noqa: PLC0415 - it lists this command, too

    found = get_completion_class(shell)
    if found is None:
        raise click.BadParameter(shell)
    click.echo(found(main, {}, "sshcred", "_SSHCRED_COMPLETE").source())


def complete_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of credentials that begin like this; none where the cluster does not tell in time."""
    return _completed(context, incomplete, lambda desk: desk.credentials.names_in(desk.namespace, seconds=SECONDS))


def complete_target_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of targets, in the same way."""
    return _completed(context, incomplete, lambda desk: desk.targets.names_in(desk.namespace, seconds=SECONDS))


def _completed(context: click.Context, incomplete: str, names: Callable[[ReadingDesk], list[str]]) -> list[str]:
    from sshcredential_operator.cli.reading_desk import ReadingDesk  # noqa: PLC0415 - only who completes pays for it

    asked = context.params
    stderr, sys.stderr = sys.stderr, Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the process' rest
    try:
        desk = ReadingDesk(asked.get("kubeconfig"), asked.get("context"), asked.get("namespace"))
        found = names(desk)
    except click.ClickException:
        return []
    finally:
        sys.stderr = stderr
    return [name for name in found if name.startswith(incomplete)]
