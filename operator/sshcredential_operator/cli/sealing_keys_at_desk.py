"""The public halves to seal to, from a file or from the cluster, and how people compare them. Used by what seals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sshcredential_operator.cli.files import Unreadable, read_file, shown_name
from sshcredential_operator.encryption.sealing_keys import MAX_TEXT, SealingKey, SealingKeys, from_jwks


def keys_in_file(file: Path) -> SealingKeys:
    """Return the sealing keys in a file that `sshcred sealing-key` wrote, or end with why not."""
    shown = shown_name(str(file))
    content = read_file(str(file), MAX_TEXT)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown}: {content.why}", param_hint="--sealing-key")
    found = from_jwks(content.reveal())
    if found is None:
        raise click.BadParameter(
            f"{shown} holds no sealing keys, or one that is not the key its name says; "
            f"get it again, and compare its fingerprint with the operator's: sshcred sealing-key > {shown}",
            param_hint="--sealing-key",
        )
    return found


def newest(keys: SealingKeys) -> SealingKey:
    """Return the key to seal to, or end."""
    if keys.newest is None:
        raise click.ClickException(
            "every sealing key is retired, so nothing could open what is sealed to one; the operator makes a new one "
            "when it runs: sshcred sealing-key shows it"
        )
    return keys.newest


def described(key: SealingKey) -> str:
    """Return number, fingerprint and age of a key."""
    days = (datetime.now(UTC) - key.created_at).days
    age = "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
    return f"sealing key {key.slot} ({key.fingerprint}, made {age})"
