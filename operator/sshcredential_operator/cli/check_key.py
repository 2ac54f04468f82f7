"""`sshcred check-key`: judges private key files as the operator would, with the same code. Needs no cluster."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.messages import message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.files import Unreadable, read_file, shown_name
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.pool import KeyPool, PoolUnavailable
from sshcredential_operator.keys.verdict import (
    MAX_FILE_BYTES,
    MAX_PASSPHRASE_BYTES,
    MAX_RSA_BITS,
    MIN_RSA_BITS,
    Accepted,
    Refused,
)

AT_A_TIME: Final = 64
"""So many files are in memory at once."""

EXIT_REFUSED: Final = 1
EXIT_WRONG_USE: Final = 2
ENCRYPTED: Final = {KeyRefusal.PASSPHRASE_REQUIRED, KeyRefusal.WRONG_PASSPHRASE}


@click.command("check-key")
@click.option(
    "--passphrase-file",
    metavar="F",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Holds the passphrase of all files that need one.",
)
@click.option(
    "--min-rsa-bits",
    metavar="N",
    type=click.IntRange(MIN_RSA_BITS, MAX_RSA_BITS),
    default=MIN_RSA_BITS,
    show_default=True,
    help="Refuse RSA keys of fewer bits, as a workspace's policy may.",
)
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="One line or object a file.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def check_key(passphrase_file: Path | None, min_rsa_bits: int, output: str, files: tuple[str, ...]) -> None:
    r"""Judge private key files: would the operator take them, and if not, what is to be done.

    FILE may be - for standard input. Nothing is changed, sent anywhere or stored.

    \b
    Exit status: 0 all are accepted, 1 one is refused, 2 wrong use, or a file that cannot be read.

    \b
    Examples:
      sshcred check-key ~/.ssh/id_ed25519
      sshcred check-key --passphrase-file passphrase.txt *.pem
      kubectl get secret my-key -o jsonpath='{.data.ssh-privatekey}' | base64 -d | sshcred check-key -
    """
    passphrase = _passphrase(passphrase_file) if passphrase_file else None
    shown = as_json if output == "json" else as_text
    try:
        worst = asyncio.run(_check_all(files, passphrase, min_rsa_bits, shown))
    except PoolUnavailable:
        raise click.ClickException("no process can be started in which a key could be judged safely") from None
    sys.exit(worst)


async def _check_all(
    files: Sequence[str],
    passphrase: Sensitive | None,
    min_rsa_bits: int,
    shown: Callable[[str, Accepted | Refused], str],
) -> int:
    worst = 0
    async for file, verdict in _verdicts(files, passphrase, min_rsa_bits):
        if isinstance(verdict, Unreadable):
            click.echo(f"sshcred: {shown_name(file)}: {verdict.why}", err=True)
            worst = EXIT_WRONG_USE
            continue
        click.echo(shown(file, verdict))
        worst = max(worst, EXIT_REFUSED * isinstance(verdict, Refused))
    return worst


async def _verdicts(
    files: Sequence[str], passphrase: Sensitive | None, min_rsa_bits: int
) -> AsyncIterator[tuple[str, Accepted | Refused | Unreadable]]:
    """Yield what is found of each file, in the order of the files."""
    pool = KeyPool(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)

    async def judged(file: str) -> Accepted | Refused | Unreadable:
        content = read_file(file, MAX_FILE_BYTES)
        if isinstance(content, Unreadable):
            return content
        return await pool.judge(content, passphrase, min_rsa_bits=min_rsa_bits)

    try:
        for some in _batched(files):
            for file, verdict in zip(some, await asyncio.gather(*map(judged, some)), strict=True):
                yield file, verdict
    finally:
        await pool.close()


def as_text(file: str, verdict: Accepted | Refused) -> str:
    """Return one line for a person."""
    name = shown_name(file)
    match verdict:
        case Accepted(pair=pair, notes=notes):
            noted = f" ({', '.join(note.value for note in notes)})" if notes else ""
            return f"{name}: accepted: {_described(pair.public)}{noted}"
        case Refused(reason=reason, public=public):
            about = f" [{_described(public)}]" if public else ""
            return f"{name}: refused: {reason.value}: {_message(verdict)}{about}"


def as_json(file: str, verdict: Accepted | Refused) -> str:
    """Return one object on one line; what is not known is null."""
    accepted = isinstance(verdict, Accepted)
    public = verdict.pair.public if isinstance(verdict, Accepted) else verdict.public
    found: dict[str, Any] = {
        "file": file,
        "accepted": accepted,
        "reason": None,
        "message": None,
        "notes": [],
        "algorithm": public.algorithm.value if public else None,
        "bits": public.bits if public else None,
        "fingerprint": public.fingerprint if public else None,
        "publicKey": public.line if public else None,
    }
    match verdict:
        case Accepted(passphrase=passphrase, notes=notes):
            found |= {"notes": [note.value for note in notes], "passphraseProtected": passphrase is not None}
        case Refused(reason=reason):
            encrypted = True if reason in ENCRYPTED else None
            found |= {"reason": reason.value, "message": _message(verdict), "passphraseProtected": encrypted}
    return json.dumps(found)


def _described(public: PublicKey) -> str:
    return f"{public.algorithm.value} {public.bits} {public.fingerprint}"


def _message(refused: Refused) -> str:
    facts = {"origin": "this file", "passphrase_field": "--passphrase-file"}
    return message(Reason(refused.reason.value), facts | dict(refused.detail))


def _passphrase(file: Path) -> Sensitive:
    content = read_file(str(file), MAX_PASSPHRASE_BYTES)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {content.why}", param_hint="--passphrase-file")
    return content


def _batched(files: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(files)
    while some := list(islice(rest, AT_A_TIME)):
        yield some
