"""Moves the sealed values of one file to the newest sealing key, and says what became of each. Used by `reseal`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import click

from sshcredential_operator.api.names import KIND
from sshcredential_operator.cli.files import Unreadable, shown_name
from sshcredential_operator.cli.manifest_files import difference, text_of, write_instead
from sshcredential_operator.cli.sealed_manifests import Kept, NotYaml, SealedManifest, sealed_manifests, with_values
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.encryption.sealing_keys import SealingKey

SealAnew = Callable[[str, Seal], Mapping[Field, str] | Kept]
"""From the name of a credential, and what its private key's value says, to its values sealed anew."""
Change = tuple[SealedManifest, Mapping[Field, str]]


class Task(NamedTuple):
    """What is to be done with every manifest; `namespace` None is any."""

    to: SealingKey
    seal_anew: SealAnew
    namespace: str | None
    dry_run: bool


class Rest(Enum):
    """Why nothing is to be done with a manifest."""

    UP_TO_DATE = "is sealed to the newest key already"
    ELSEWHERE = "is of another namespace"


def reseal_file(file: Path, task: Task, *, named: bool) -> bool:
    """Do what is to be done with one file; return whether nothing in it is left to an older key."""
    shown, text = shown_name(str(file)), text_of(file)
    if isinstance(text, Unreadable):
        return _refuse(f"{shown}: {text.why}")
    found = sealed_manifests(text)
    if isinstance(found, NotYaml):  # in a folder, templates of all kinds lie about
        return (not named and KIND not in text) or _refuse(f"{shown}:{found.line}: is no YAML, so it stays as it is")
    if named and not found:
        click.echo(f"{shown}: no SSHCredential in it has spec.sealed", err=True)
    outcomes = [(manifest, _outcome(manifest, task)) for manifest in found]
    for manifest, outcome in outcomes:
        _say(shown, manifest, outcome)
    changes = [(manifest, outcome) for manifest, outcome in outcomes if isinstance(outcome, Mapping)]
    is_well = not any(isinstance(outcome, Kept) for _, outcome in outcomes)
    return (not changes or _take(file, text, changes, task)) and is_well


def _outcome(manifest: SealedManifest, task: Task) -> Mapping[Field, str] | Kept | Rest:
    seals = manifest.seals()
    if isinstance(seals, Kept):
        return seals
    old = seals[Field.PRIVATE_KEY]
    if task.namespace not in {None, old.namespace}:
        return Rest.ELSEWHERE
    if all(seal.kid == task.to.kid for seal in seals.values()):
        return Rest.UP_TO_DATE
    values = task.seal_anew(old.name or manifest.name, old)
    if isinstance(values, Kept) or values.keys() == seals.keys():
        return values
    if Field.PASSPHRASE in values:
        return Kept("its key has a passphrase, and spec.sealed.passphrase is missing; seal both anew: sshcred seal")
    return Kept("its key has no passphrase; remove spec.sealed.passphrase first")


def _take(file: Path, before: str, changes: Sequence[Change], task: Task) -> bool:
    """Write the new values, or print what would be written."""
    shown, after = shown_name(str(file)), with_values(before, changes)
    if task.dry_run:
        click.echo(difference(file, before, after), nl=False)
    elif refused := write_instead(file, before, after):
        return _refuse(f"{shown}: {refused.why}, so it stays as it is")
    for manifest, _ in changes:
        click.echo(
            f"{_where(shown, manifest)} {'would be' if task.dry_run else 'is'} sealed to the newest key",
            err=task.dry_run,
        )
    return True


def _say(shown: str, manifest: SealedManifest, outcome: object) -> None:
    if isinstance(outcome, Kept):
        _refuse(f"{_where(shown, manifest)} stays as it is: {outcome.why}")
    elif isinstance(outcome, Rest):
        click.echo(f"{_where(shown, manifest)} {outcome.value}", err=True)


def _where(shown: str, manifest: SealedManifest) -> str:
    return f"{shown}:{manifest.line}: {shown_name(manifest.name)}"


def _refuse(sentence: str) -> bool:
    click.echo(f"Error: {sentence}", err=True)
    return False
