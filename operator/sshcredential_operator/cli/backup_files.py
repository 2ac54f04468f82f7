"""The backup file of the key ring at a desk: its options, how it is opened, and how it is written.

Used by `sshcred keyring backup`, `sshcred keyring restore` and `sshcred recover`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.files import Unreadable, read_file, shown_name
from sshcredential_operator.cli.jwk_files import identity_in
from sshcredential_operator.encryption.backup_seal import (
    LONGEST,
    LONGEST_PASSPHRASE,
    SHORTEST_PASSPHRASE,
    Identity,
    Passphrase,
    Unopened,
    is_long_enough,
    open_backup,
)
from sshcredential_operator.encryption.ring_backup import RingBackup

Command = Callable[..., Any]
FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
STANDARD_OUTPUT: Final = Path("-")


def opening_options(command: Command) -> Command:
    """Add the options that say what opens the file."""
    for add in (
        passphrase_option,
        click.option(
            "--identity",
            metavar="KEY",
            type=FILE,
            help="The recipient's private key: a JWK with kty OKP, crv X25519, x and d.",
        ),
    ):
        command = add(command)
    return command


def passphrase_option(command: Command) -> Command:
    """Add the option that names a file with the passphrase."""
    return click.option(
        "--passphrase-file",
        metavar="P",
        type=FILE,
        help="A file with the passphrase, - for standard input; a last line end does not count.",
    )(command)


def opened(file: Path, passphrase_file: Path | None, identity: Path | None) -> RingBackup:
    """Return the backup in a file, or end with why it does not open."""
    if (passphrase_file is None) == (identity is None):
        raise click.UsageError(
            "Give exactly one of --passphrase-file and --identity, whichever the backup was made for."
        )
    content = read_file(str(file), LONGEST)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {content.why}")
    plain = open_backup(content.reveal(), _key(passphrase_file, identity))
    if isinstance(plain, Unopened):
        end(f"{shown_name(str(file))} does not open: {plain.value}")
    backup = RingBackup.from_bytes(plain.reveal())
    if backup is None:
        end(f"{shown_name(str(file))} opens, but holds no key ring that this version knows: use the newest sshcred")
    return backup


def passphrase_in(file: Path) -> Passphrase:
    """Return the passphrase in a file."""
    content = read_file(str(file), LONGEST_PASSPHRASE + 2)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {content.why}", param_hint="--passphrase-file")
    words = content.reveal().removesuffix(b"\n").removesuffix(b"\r")
    found = Passphrase(Sensitive(words))
    if not is_long_enough(found):
        raise click.BadParameter(
            f"the passphrase has {len(words)} bytes, and {SHORTEST_PASSPHRASE} to {LONGEST_PASSPHRASE} are needed: it "
            "protects every key of the cluster; openssl rand -base64 24 makes one",
            param_hint="--passphrase-file",
        )
    return found


def write_backup(file: Path, text: bytes, *, force: bool) -> None:
    """Write the whole file or nothing, readable by its owner only. One that is there is left alone without `force`."""
    if file == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    beside: str | None = None
    try:
        handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if force:
            Path(beside).replace(file)
            return
        os.link(beside, file)  # unlike a rename, this fails where a file is
    except FileExistsError:
        end(f"{shown_name(str(file))} is there already, and may be the only backup: name another, or give --force")
    except OSError as error:
        end(f"{shown_name(str(file))}: {error.strerror or 'cannot be written'}")
    finally:
        if beside:
            Path(beside).unlink(missing_ok=True)


def _key(passphrase_file: Path | None, identity: Path | None) -> Passphrase | Identity:
    if identity is None:
        return passphrase_in(passphrase_file or Path())
    return identity_in(identity, "--identity")
