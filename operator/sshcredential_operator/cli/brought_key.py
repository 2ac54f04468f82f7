"""The private key that a person brings at a desk: read, and judged and repaired by the operator's own code.

Used by the commands that seal: `seal`, `create` and `rotate`. What is to be told beside the result goes to standard
error; nothing of a key or a passphrase is ever part of it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.check_key import as_text
from sshcredential_operator.cli.files import STANDARD_INPUT, Unreadable, read_file, shown_name
from sshcredential_operator.keys.pool import KeyPool, PoolUnavailable
from sshcredential_operator.keys.verdict import MAX_FILE_BYTES, MAX_PASSPHRASE_BYTES, Accepted, Refused

OTHERS: Final = 0o077
TRIES: Final = 3
"""So often a passphrase may be typed."""
LONGEST_FOR_SSH: Final = 1023
"""Bytes of the longest passphrase that ssh takes from a person, and that an OpenSSH file is written with."""

_TOLD: Final = {
    Note.NO_PASSPHRASE: "the key has no passphrase, so whoever gets at a copy can use it; ssh-keygen -p sets one",
    Note.PASSPHRASE_NOT_NEEDED: "the key is not encrypted, so the passphrase that was given is left out",
    Note.PASSPHRASE_NEWLINE_REMOVED: "the line end behind the passphrase is left out",
}


def brought_key(file: str, passphrase_file: Path | None) -> Accepted:
    """Return the key in a file, `-` for standard input, or end with what is wrong with it and what to do."""
    content = read_file(file, MAX_FILE_BYTES)
    if isinstance(content, Unreadable):
        raise click.UsageError(f"{shown_name(file)}: {content.why}")
    given = _passphrase_in(passphrase_file) if passphrase_file else None
    verdict = _judged(content, given)
    if given is None and file != STANDARD_INPUT and sys.stdin.isatty():
        verdict = _asked_for(file, content, verdict)
    if isinstance(verdict, Refused):
        raise click.ClickException(as_text(file, verdict))
    if verdict.passphrase is not None and len(verdict.passphrase) > LONGEST_FOR_SSH:
        raise click.ClickException(
            f"{shown_name(file)}: its passphrase is longer than the {LONGEST_FOR_SSH} bytes that ssh takes; "
            "give the key another one: ssh-keygen -p -f FILE"
        )
    for secret in (file, str(passphrase_file)) if passphrase_file else (file,):
        _warn_of_readers(secret)
    for note in verdict.notes:
        click.echo(f"{shown_name(file)}: {_TOLD.get(note, note.value)}", err=True)
    return verdict


def _asked_for(file: str, content: Sensitive, verdict: Accepted | Refused) -> Accepted | Refused:
    """Return the verdict with the passphrase that a person types, without echo, where the key is encrypted."""
    for _ in range(TRIES):
        if not isinstance(verdict, Refused):
            break
        if verdict.reason not in {KeyRefusal.PASSPHRASE_REQUIRED, KeyRefusal.WRONG_PASSPHRASE}:
            break
        if verdict.reason is KeyRefusal.WRONG_PASSPHRASE:
            click.echo("that passphrase does not open it", err=True)
        typed = click.prompt(f"Passphrase of {shown_name(file)}", hide_input=True, err=True)
        verdict = _judged(content, Sensitive(str(typed).encode()))
    return verdict


def _judged(content: Sensitive, passphrase: Sensitive | None) -> Accepted | Refused:
    try:
        return asyncio.run(_judged_in_pool(content, passphrase))
    except PoolUnavailable:
        raise click.ClickException("no process can be started in which a key could be judged safely") from None


async def _judged_in_pool(content: Sensitive, passphrase: Sensitive | None) -> Accepted | Refused:
    pool = KeyPool(1)
    try:
        return await pool.judge(content, passphrase)
    finally:
        await pool.close()


def _passphrase_in(file: Path) -> Sensitive:
    content = read_file(str(file), MAX_PASSPHRASE_BYTES)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {content.why}", param_hint="--passphrase-file")
    return content


def _warn_of_readers(file: str) -> None:
    """Say so where the file's mode lets others read it. Of what is no file with a mode, nothing is said."""
    path = Path(file)
    if file != STANDARD_INPUT and path.is_file() and path.stat().st_mode & OTHERS:
        shown = shown_name(file)
        click.echo(
            f"warning: others on this machine may read {shown}; keep it to yourself: chmod 600 {shown}", err=True
        )
