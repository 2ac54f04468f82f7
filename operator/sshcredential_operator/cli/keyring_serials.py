"""Other SSH keys after a suspected leak: raises the serials of generated credentials. Used by `rotate-workspace`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.keyring_desk import RingDesk
from sshcredential_operator.cli.reading_desk import or_end

MUST_BE_REPLACED: Final = (
    "New encryption does not bring back what was read: if somebody opened the credentials, they have the SSH keys. "
    "Those must be replaced, too."
)


def raise_serials_or_tell(desk: RingDesk, namespaces: Iterable[str], *, wanted: bool) -> None:
    """Raise the serials of the keys that the operator makes, if it is wanted; say what is left for people."""
    found = [parse_credential(raw) for namespace in namespaces for raw in or_end(desk.credentials.all_in(namespace))]
    made = [one for one in found if isinstance(one.spec, Spec) and isinstance(one.spec.source, Generate)]
    brought = [one for one in found if one not in made]
    if made and not wanted and sys.stdin.isatty():
        wanted = click.confirm(f"Replace the {len(made)} SSH keys that the operator makes now?", err=True)
    for one in made:
        if wanted:
            _raise(desk, one)
        else:
            click.echo(f"  sshcred rotate {one.key.name} -n {one.key.namespace}")
    for one in brought:
        click.echo(f"  {one.key.namespace}/{one.key.name}: bring another key, and: sshcred rotate {one.key.name}")


def _raise(desk: RingDesk, seen: Credential) -> None:
    asked = seen.spec.rotation.serial if isinstance(seen.spec, Spec) else 0
    honoured = seen.status.facts.rotation_serial if seen.status.facts else 0
    where = f"{seen.key.namespace}/{seen.key.name}"
    if asked > honoured:
        click.echo(f"  {where}: another key is asked for already")
        return
    answer = desk.writes.patch(seen, {"rotation": {"serial": honoured + 1}})
    if isinstance(answer, dict):
        click.echo(f"  {where}: asked for another key (serial {honoured + 1})")
    else:
        click.echo(f"  {where}: not asked for another key: {one_line(answer.sentence)}", err=True)
