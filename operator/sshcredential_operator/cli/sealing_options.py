"""The options of commands that seal or name a credential. Used by `seal`, `create`, `rotate` and their kin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click

from sshcredential_operator.api.export_spec import CREDENTIAL_NAME
from sshcredential_operator.cli.files import shown_name

Command = Callable[..., Any]
_A_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class SealingAsked(TypedDict):
    """How values are sealed."""

    scope: str
    sealing_key: Path | None


def credential_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Take the name of a credential, or end with wrong use."""
    if name is not None and CREDENTIAL_NAME.fullmatch(name) is None:
        raise click.BadParameter(f"{shown_name(name)} is no name: 2 to 63 lower-case letters, digits or dashes")
    return name


def passphrase_option(command: Command) -> Command:
    """Add the option for a passphrase that is not typed. There is none that takes the passphrase itself."""
    return click.option(
        "--passphrase-file",
        metavar="F",
        type=_A_FILE,
        help="Holds the passphrase of the private key. Without it, you are asked on a terminal.",
    )(command)


def sealing_key_option(command: Command) -> Command:
    """Add the option that takes the sealing keys from a file."""
    return click.option(
        "--sealing-key",
        metavar="FILE",
        type=_A_FILE,
        help="What sshcred sealing-key printed. Default: the cluster is asked.",
    )(command)


def sealing_options(command: Command) -> Command:
    """Add the options that say how values are sealed."""
    scope = click.option(
        "--scope",
        type=click.Choice(["strict", "namespace"]),
        default="strict",
        show_default=True,
        help="Who may use the values: the one credential, or any of its namespace.",
    )
    return scope(sealing_key_option(command))


def name_argument(command: Command) -> Command:
    """Add the argument that names a credential."""
    return click.argument("name", metavar="NAME", callback=credential_name)(command)
