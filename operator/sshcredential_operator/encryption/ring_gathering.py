"""From the key ring's stored Secrets to a backup of them: everything is opened once. Used by `sshcred keyring backup`.

What does not open is taken as it is stored, and named: a backup is made when something is wrong, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sshcredential_operator.api.names import BACKED_UP_AT_ANNOTATION
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import ClearKek, ClearSealingKey, RingBackup
from sshcredential_operator.encryption.ring_documents import (
    canary_document_of,
    canary_sings,
    secret_in,
    stored_keks_of,
)
from sshcredential_operator.encryption.roots import Roots
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, sealing_key_document_of


class Gathered(NamedTuple):
    """The backup, and the names of the Secrets that did not open."""

    backup: RingBackup
    unopened: tuple[str, ...]


async def gather(secrets: Sequence[StoredSecret], roots: Roots, namespace: str, now: datetime) -> Gathered:
    """Open all KEKs and sealing keys, and the canary of the root key for writing. May raise RootAway."""
    keks = await stored_keks_of([one for one in secrets if one.type == KEK_SECRET_TYPE], roots)
    sealing = {one.name: await _sealing_key(one, roots) for one in secrets if one.type == SEALING_KEY_SECRET_TYPE}
    own = canary_secret_name(roots.id.key_id)  # the canary of a root key that was dropped is nobody's loss
    silent = [one.name for one in secrets if one.name == own and not await _sings(one, roots)]
    clear = [ClearKek(one.document.namespace, one.document.namespace_uid, one.kek) for one in keks.values() if one]
    backup = RingBackup(
        now.replace(microsecond=0),
        namespace,
        roots.id.source,
        roots.id.key_id,
        tuple(clear),
        tuple(key for key in sealing.values() if key),
        tuple(_as_made(one) for one in secrets),
    )
    unopened = [name for name, key in {**keks, **sealing}.items() if key is None]
    return Gathered(backup, tuple(sorted([*unopened, *silent])))


def _as_made(secret: StoredSecret) -> StoredSecret:
    """Return the Secret without its revision, and without the note of a backup that was another one."""
    kept = {name: text for name, text in secret.annotations.items() if name != BACKED_UP_AT_ANNOTATION}
    return replace(secret, annotations=kept, resource_version="")


async def _sealing_key(secret: StoredSecret, roots: Roots) -> ClearSealingKey | None:
    document = sealing_key_document_of(secret)
    private = None if document is None else await secret_in(document, roots)
    return None if document is None or private is None else ClearSealingKey(document.kid, private)


async def _sings(secret: StoredSecret, roots: Roots) -> bool:
    document = canary_document_of(secret)
    return document is not None and await canary_sings(document, roots)
