"""`sshcred keyring backup`: everything that opens credentials, in one encrypted file."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from sshcredential_operator.api.names import BACKED_UP_AT_ANNOTATION
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.cli.backup_files import (
    FILE,
    STANDARD_OUTPUT,
    passphrase_in,
    passphrase_option,
    write_backup,
)
from sshcredential_operator.cli.desk import cluster_options, connect_or_end, operator_namespace_option
from sshcredential_operator.cli.exit_codes import REFUSED, end
from sshcredential_operator.cli.files import shown_name
from sshcredential_operator.cli.jwk_files import recipient_in
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.cli.ring_roots import root_source_option, roots_of
from sshcredential_operator.client.refused import Refused
from sshcredential_operator.controller.root_sources import NamedSource
from sshcredential_operator.encryption.backup_seal import seal_backup
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_gathering import Gathered, gather
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.roots import RootAway, Roots

if TYPE_CHECKING:
    from sshcredential_operator.client.keyring import KeyRing
    from sshcredential_operator.client.ring_secrets import RingSecrets


@click.command("backup")
@click.option(
    "--out",
    metavar="F",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    required=True,
    help="The file; - is standard output.",
)
@click.option(
    "--recipient", metavar="JWKFILE", type=FILE, help="The X25519 public key, as a JWK, whose private half opens it."
)
@passphrase_option
@click.option("--force", is_flag=True, help="Let the file take the place of one that is there.")
@root_source_option
@operator_namespace_option
@cluster_options
def backup(  # noqa: PLR0913 - the options of the command
    *,
    out: Path,
    recipient: Path | None,
    passphrase_file: Path | None,
    force: bool,
    root_source: tuple[NamedSource, ...],
    operator_namespace: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,  # noqa: ARG001 - the key ring is in the operator's namespace
) -> None:
    r"""Write root, canaries, workspaces' keys and sealing keys into F, encrypted.

    Whoever opens F, and has the Secrets of the workspaces, has every key: keep F apart from them, and what opens it
    apart from F. With a root in a file or a KMS, run it where that root is, such as in the operator's container, where
    nothing can be written: give --out - and --passphrase-file - there.

    \b
    Exit status: 0 it is written, 1 refused, or something does not open (F is written, but not noted as a backup),
    2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred keyring backup --out key-ring.backup --recipient backup-key.pub.json
      sshcred keyring backup --out key-ring.backup --passphrase-file passphrase.txt
      sshcred keyring backup --root-source kms:/run/sshcredential-kms/kms.sock --out - --passphrase-file -
    """
    if (recipient is None) == (passphrase_file is None):
        raise click.UsageError("Give exactly one of --recipient and --passphrase-file: a backup is always encrypted.")
    to = recipient_in(recipient, "--recipient") if recipient else passphrase_in(passphrase_file or Path())
    if out != STANDARD_OUTPUT and out.exists() and not force:
        end(f"{shown_name(str(out))} is there already, and may be the only backup: name another, or give --force")
    from sshcredential_operator.client.keyring import KeyRing  # noqa: PLC0415 - lazily, as desk.py says
    from sshcredential_operator.client.ring_secrets import RingSecrets  # noqa: PLC0415 - lazily, as desk.py says

    api = connect_or_end(kubeconfig, context).api
    secrets = RingSecrets(api)
    found = or_end(secrets.ring(operator_namespace))
    gathered = _gathered(found, roots_of(root_source, found, operator_namespace), operator_namespace)
    write_backup(out, seal_backup(Sensitive(gathered.backup.to_bytes()), to), force=force)
    _tell(out, gathered.backup)
    if gathered.unopened:
        end(
            f"does not open, and is in the file only as it is stored: {', '.join(gathered.unopened)}\n"
            "This is not noted as a backup. sshcred keyring verify says more.",
            REFUSED,
        )
    _note(secrets, gathered.backup)
    _have_it_seen(KeyRing(api, operator_namespace))


def _gathered(found: list[StoredSecret], roots: Roots, namespace: str) -> Gathered:
    try:
        return asyncio.run(gather(found, roots, namespace, datetime.now(UTC)))
    except RootAway:
        end("the root key cannot be asked now: try again when the KMS plugin answers")


def _tell(out: Path, made: RingBackup) -> None:
    spaces = len({one.namespace_uid for one in made.keks})
    click.echo(
        f"{shown_name(str(out))}: keys of {spaces} workspaces ({len(made.keks)}), {len(made.sealing_keys)} sealing "
        f"keys, root {made.root_key_id} ({made.root_source.value})",
        err=out == STANDARD_OUTPUT,
    )


def _note(secrets: RingSecrets, made: RingBackup) -> None:
    """Let the metrics know: the root's Secret bears the time, and where the root is elsewhere its canary does."""
    in_secret = made.root_source is RootSource.SECRET
    name = ROOT_SECRET_NAME if in_secret else canary_secret_name(made.root_key_id)
    bearer = next((one for one in made.secrets if one.name == name), None)
    if bearer is None:
        end("there is no canary yet that could bear the time of the backup: start the operator, and back up again")
    or_end(secrets.annotate(made.namespace, bearer, {BACKED_UP_AT_ANNOTATION: format_timestamp(made.made_at)}))


def _have_it_seen(ring: KeyRing) -> None:
    """Ask a running operator to look once more, so that it tells of the backup; without one it looks when it starts."""
    sheet = ring.sheet()
    if not isinstance(sheet, Refused):
        ring.ask(sheet, "verify", token_hex(8))
