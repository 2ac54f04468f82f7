"""`sshcred open`: opens what an export sealed for a recipient, beside the recipient's key. Needs no cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.files import Unreadable, read_file, shown_name
from sshcredential_operator.cli.jwk_files import identity_in
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import MAX_TEXT, Delivery, open_with

SEALED: Final = "*.jwe"
FILES: Final = {Field.PRIVATE_KEY: "id", Field.PASSPHRASE: "passphrase"}
"""What each value is called where it is written."""


@click.command("open")
@click.option(
    "--key",
    "key_file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The recipient's private key: a JWK with kty OKP, crv X25519, x and d.",
)
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where the files are written, readable by their owner only. A volume in memory, if it can be.",
)
@click.option(
    "--credential", metavar="NAMESPACE/NAME", help="Open only what belongs to this credential; refuse anything else."
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
def open_copy(key_file: Path, folder: Path, credential: str | None, paths: tuple[Path, ...]) -> None:
    r"""Open the copy of a credential that was made for you alone.

    PATH is a file that ends in .jwe, or a folder of them, such as a mounted Secret. DIR gets `id`, the private key
    file, and `passphrase` where the key has one.

    \b
    Exit status: 0 all was opened, 1 something does not open, 2 wrong use. Nothing is written unless all of it opens.

    \b
    Example, for an init container:
      sshcred open --key /recipient/key.json --to /ssh /copy
    """
    private = identity_in(key_file, "--key").jwk
    opened = [_opened(file, private) for path in paths for file in _sealed_files(path)]
    _require_one_credential([what for what, _ in opened], credential)
    for what, value in opened:
        _write(folder / FILES[what.field], value)
    first = opened[0][0]
    click.echo(f"opened key {first.key_number} of {first.namespace}/{first.name}", err=True)


def _sealed_files(path: Path) -> Iterator[Path]:
    found = sorted(path.glob(SEALED)) if path.is_dir() else [path]
    if not found:
        raise click.BadParameter(f"{shown_name(str(path))} holds no file that ends in .jwe", param_hint="PATH")
    yield from found


def _opened(file: Path, private: Mapping[str, object]) -> tuple[Delivery, Sensitive]:
    content = read_file(str(file), MAX_TEXT)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {content.why}", param_hint="PATH")
    opened = open_with(private, content.reveal().strip())
    if opened is None:
        raise click.ClickException(f"{shown_name(str(file))} does not open: it is for another key, or was changed")
    return opened


def _require_one_credential(found: Sequence[Delivery], wanted: str | None) -> None:
    places = {f"{what.namespace}/{what.name}" for what in found}
    if wanted is not None and places != {wanted}:
        raise click.ClickException(f"this is a copy of {', '.join(sorted(places))}, not of {shown_name(wanted)}")
    if len({what._replace(field=Field.PRIVATE_KEY) for what in found}) > 1:
        raise click.ClickException("these values belong to different keys; open one copy at a time")
    if len({what.field for what in found}) < len(found):
        raise click.ClickException("the same value is given twice; open one copy at a time")


def _write(file: Path, value: Sensitive) -> None:
    """Write beside it and rename, so that nobody reads half a file, or one that others may read."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(value.reveal())
    beside.replace(file)
