"""Credentials' Secrets of namespaces that were made anew, put under a key of these namespaces. Used by `restore`.

A KEK is bound to its namespace's uid, and a new cluster has new ones. The values stay as they are: their data keys are
taken out of the KEK of the backup and put into a fresh one, one PATCH of each Secret. Broken off, it is begun again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.reading_desk import or_end
from sshcredential_operator.encryption.credential_secret import peek_kids
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import FIRST_SLOT, KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name, new_kek
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.rewrapping import Rewrap, under_another_kek
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_documents import kek_document_of, stored_keks_of, wrapped_kek
from sshcredential_operator.encryption.roots import RootAway, Roots

if TYPE_CHECKING:
    from sshcredential_operator.client.ring_secrets import RingSecrets

_AWAY = "the root key cannot be asked now: try again when the KMS plugin answers"


async def rebind_all(
    secrets: RingSecrets, backup: RingBackup, ring: Sequence[StoredSecret], roots: Roots, namespace: str
) -> None:
    """Rebind what lies in namespaces of the backup under keys that are not theirs; end if a Secret does not open."""
    uids = or_end(secrets.namespace_uids())
    left: list[str] = []
    for workspace in sorted({one.namespace for one in backup.keks}):
        uid = uids.get(workspace)
        if uid is None:
            click.echo(f"{workspace}: there is no such namespace now; nothing to rebind", err=True)
            continue
        try:
            left += await _rebind(secrets, backup, ring, roots, (namespace, workspace, uid))
        except RootAway:
            end(_AWAY)
    if left:
        end(f"not rebound, since they do not open with this backup: {', '.join(left)}")


async def _rebind(
    secrets: RingSecrets,
    backup: RingBackup,
    ring: Sequence[StoredSecret],
    roots: Roots,
    where: tuple[str, str, str],
) -> list[str]:
    _, workspace, _uid = where
    own = await _own_keks(ring, roots, where)
    stored = or_end(secrets.credentials(workspace))
    waiting = [one for one in stored if not peek_kids(one.data) <= own.keys()]
    if not waiting:
        click.echo(f"{workspace}: nothing to rebind")
        return []
    kek = max(own.values(), key=_slot) if own else await _made(secrets, roots, where)
    known = {**backup.keks_of(workspace), **own, kek.kid: kek}
    left = [one.name for one in waiting if not _moved(secrets, workspace, one, known, kek)]
    click.echo(f"{workspace}: {len(waiting) - len(left)} Secrets rebound to key {kek.kid}")
    return [f"{workspace}/{name}" for name in left]


def _moved(secrets: RingSecrets, workspace: str, one: StoredSecret, known: Mapping[str, Kek], kek: Kek) -> bool:
    changed = under_another_kek(one.data, known.get, Rewrap(kek))
    if changed:
        or_end(secrets.change(workspace, one, changed))
    return changed is not None


async def _own_keks(ring: Sequence[StoredSecret], roots: Roots, where: tuple[str, str, str]) -> dict[str, Kek]:
    """Return the KEKs that the namespace has as it is now: of an earlier try, or of an operator that runs."""
    _, workspace, uid = where
    own = [
        one
        for one in ring
        if (document := kek_document_of(one)) and (document.namespace, document.namespace_uid) == (workspace, uid)
    ]
    opened = await stored_keks_of(own, roots)
    if any(one is None for one in opened.values()):
        end(f"{workspace} has a key that does not open with the root key that is there; nothing was changed in it")
    return {one.kek.kid: one.kek for one in opened.values() if one}


async def _made(secrets: RingSecrets, roots: Roots, where: tuple[str, str, str]) -> Kek:
    namespace, workspace, uid = where
    kek = new_kek(uid, FIRST_SLOT)
    document = await wrapped_kek(kek, workspace, uid, roots)
    data = {KEK_DATA_KEY: document.to_bytes()}
    or_end(secrets.create(namespace, StoredSecret(kek_secret_name(uid, FIRST_SLOT), KEK_SECRET_TYPE, data)))
    return kek


def _slot(kek: Kek) -> int:
    return int(kek.kid.partition(".")[0])
