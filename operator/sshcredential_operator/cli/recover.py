"""`sshcred recover`: private keys out of a backup of the key ring and a dump of Secrets, without any cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click

from sshcredential_operator.api.names import SECRET_SUFFIX, SECRET_TYPE
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.backup_files import opened, opening_options
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.files import Unreadable, shown_name
from sshcredential_operator.cli.secret_dump import Dumped, secrets_in
from sshcredential_operator.encryption.credential_secret import (
    KeyMaterial,
    Unreadability,
    open_credential,
    open_key,
)
from sshcredential_operator.encryption.credential_secret import Unreadable as Unopened
from sshcredential_operator.encryption.place import DNS_LABEL
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.keys.stored import stored_public_key

_CUT: Final = "it was cut, or is no Secret"
_WHY: Final = {
    Unreadability.NO_RECORD: "it has no record: it was cut",
    Unreadability.DOES_NOT_OPEN: "it was changed, cut, or copied from another namespace or name",
}


class Recovered(NamedTuple):
    """The key in use of one credential."""

    namespace: str
    name: str
    material: KeyMaterial
    public_line: str


class Failed(NamedTuple):
    """One that did not open, and why."""

    where: str
    why: str


@click.command("recover")
@click.option(
    "--backup",
    "backup_file",
    metavar="F",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="What sshcred keyring backup wrote.",
)
@opening_options
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Gets NAMESPACE/NAME/id, id.pub and, where one is stored, passphrase. A volume in memory, if it can be.",
)
@click.argument("files", metavar="SECRETS.yaml...", nargs=-1, required=True, type=click.Path(path_type=Path))
def recover(
    *, backup_file: Path, passphrase_file: Path | None, identity: Path | None, out: Path, files: tuple[Path, ...]
) -> None:
    r"""Open the Secrets of credentials in dumps, such as kubectl get secrets -A -o yaml prints them.

    Needs no cluster. The private keys are written without a passphrase, readable by their owner only: put one on with
    ssh-keygen -p. Nothing is overwritten. Secrets of other types are skipped.

    \b
    Exit status: 0 all of ours was opened, 1 something was not, or the backup does not open, 2 wrong use.

    \b
    Example:
      sshcred recover --backup key-ring.backup --passphrase-file passphrase.txt --out /dev/shm/keys secrets.yaml
    """
    backup = opened(backup_file, passphrase_file, identity)
    found = [secret for file in files for secret in _read(file)]
    ours = [one for one in found if one.secret is None or one.secret.type == SECRET_TYPE]
    written, failed = 0, list[Failed]()
    for one in ours:
        key = _recovered(one, backup)
        failure = key if isinstance(key, Failed) else _write(out, key)
        if failure is None:
            written += 1
            click.echo(f"{one.namespace}/{one.name.removesuffix(SECRET_SUFFIX)}")
        else:
            failed.append(failure)
    for failure in failed:
        click.echo(f"not recovered: {shown_name(failure.where)}: {failure.why}", err=True)
    click.echo(
        f"recovered {written} of {len(ours)} credentials; {len(found) - len(ours)} Secrets of other types skipped",
        err=True,
    )
    if failed:
        end(f"{len(failed)} of {len(ours)} credentials are not recovered")
    if not ours:
        end("there is no Secret of a credential in these files: dump them with kubectl get secrets -A -o yaml")


def _read(file: Path) -> Iterator[Dumped]:
    found = secrets_in(file)
    if isinstance(found, Unreadable):
        raise click.BadParameter(f"{shown_name(str(file))}: {found.why}", param_hint="SECRETS.yaml")
    yield from found


def _recovered(one: Dumped, backup: RingBackup) -> Recovered | Failed:
    where = f"{one.namespace}/{one.name}"
    name = one.name.removesuffix(SECRET_SUFFIX)
    named = DNS_LABEL.fullmatch(one.namespace) and DNS_LABEL.fullmatch(name) and name != one.name
    if one.secret is None or not named:
        return Failed(where, _CUT if named else "its name is not one that the operator gives")
    data, keks = one.secret.data, backup.keks_of(one.namespace)
    credential = open_credential(data, one.namespace, name, keks.get, stored_public_key)
    if isinstance(credential, Unopened):
        return Failed(where, _why(credential, one.namespace, backup))
    number = credential.record.current
    material = open_key(data, credential.record, number, one.namespace, name, keks.get)
    entry = credential.record.key(number)
    if material is None or entry is None:  # never: all of it has just been opened
        return Failed(where, _WHY[Unreadability.DOES_NOT_OPEN])
    return Recovered(one.namespace, name, material, entry.public_key)


def _why(unopened: Unopened, namespace: str, backup: RingBackup) -> str:
    if unopened.why is not Unreadability.UNKNOWN_KID:
        return _WHY[unopened.why]
    others = sorted({one.namespace for one in backup.keks if one.kek.kid == unopened.kid} - {namespace})
    if others:
        return f"it was copied from namespace {others[0]}"
    return (
        f"its key {unopened.kid} is not in this backup, which is of {backup.made_at:%Y-%m-%d %H:%M} UTC: the backup is "
        "of another cluster, or older than the key; take a newer one"
    )


def _write(out: Path, key: Recovered) -> Failed | None:
    """Write the files of one key, `id` last: where it is, the others are, too."""
    folder = out / key.namespace / key.name
    files = {"id.pub": (Sensitive(f"{key.public_line}\n".encode()), 0o644)}
    if key.material.passphrase is not None:
        files["passphrase"] = (key.material.passphrase, 0o600)
    files["id"] = (key.material.private, 0o600)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if there := [name for name in ("id", "id.pub", "passphrase") if os.path.lexists(folder / name)]:
            return Failed(str(folder / there[0]), "is there already, and nothing is overwritten: give an empty DIR")
        for name, (value, mode) in files.items():
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as made:
                made.write(value.reveal())
    except OSError as error:
        return Failed(str(folder), error.strerror or "cannot be written")
    return None
