"""From a backup to the Secrets that a cluster is to get, whatever its root is. Used by `sshcred keyring restore`.

What opens with the root that is there stays as it was. Anything else is wrapped by it, out of the keys that the backup
has in the clear. Nothing is read or written here but what the roots are asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KekDocument
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_documents import (
    Document,
    canary_document_of,
    canary_sings,
    kek_document_of,
    secret_in,
)
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE, RootSource
from sshcredential_operator.encryption.roots import RootId, Roots, root_id
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_DATA_KEY, sealing_key_document_of


class Returning(NamedTuple):
    """What is to be there."""

    secrets: tuple[StoredSecret, ...]
    closed: tuple[str, ...] = ()
    """Names of keys that did not open when the backup was made: there is nothing that another root could wrap."""
    own_root: bool = True
    """Whether the root is the one of the backup."""


def document_of(secret: StoredSecret) -> Document | None:
    """Return the document of a workspace's key or of a sealing key, or None for any other Secret."""
    return kek_document_of(secret) or sealing_key_document_of(secret)


async def returning(backup: RingBackup, roots: Roots) -> Returning:
    """Return the backup's Secrets as these roots open them. May raise RootAway."""
    proofs = [secret for secret in backup.secrets if await _is_proof(secret, backup, roots)]
    secrets, closed, clear = list(proofs), list[str](), _clear(backup)
    for secret in backup.secrets:
        if secret.type in {ROOT_SECRET_TYPE, CANARY_SECRET_TYPE}:
            continue
        found = secret if await opens(secret, roots) else await _wrapped(secret, clear, roots)
        secrets += [found] if found else []
        closed += [] if found else [secret.name]
    return Returning(tuple(secrets), tuple(closed), own_root=bool(proofs))


def strangers(there: Iterable[StoredSecret], backup: RingBackup, roots: Roots | None) -> Mapping[RootId, int]:
    """Count the keys that are not the backup's, and under a root key that is not known, by those root keys.

    Without roots, the backup's root key is the one that is known.
    """
    own, own_root = _kids(backup.secrets), RootId(backup.root_source, backup.root_key_id)
    others = [document for secret in there if (document := document_of(secret)) and document.kid not in own]
    return Counter(
        root_id(document.wrapped)
        for document in others
        if not (roots.holds(document.wrapped) if roots else root_id(document.wrapped) == own_root)
    )


def others_in_use(there: Sequence[StoredSecret], backup: RingBackup) -> int:
    """Count the workspaces' keys of another key ring; 0 where a key of the backup is there, as after a try."""
    own = _kids(backup.secrets)
    found = [document for secret in there if (document := document_of(secret))]
    if any(document.kid in own for document in found):
        return 0
    return sum(isinstance(document, KekDocument) for document in found)


async def opens(secret: StoredSecret, roots: Roots) -> bool:
    """Whether a stored key opens. May raise RootAway."""
    document = document_of(secret)
    return document is not None and await secret_in(document, roots) is not None


def _kids(secrets: Iterable[StoredSecret]) -> frozenset[str]:
    return frozenset(document.kid for secret in secrets if (document := document_of(secret)))


async def _is_proof(secret: StoredSecret, backup: RingBackup, roots: Roots) -> bool:
    """Whether it is the root key's Secret, or a canary of it, and the root is the same here."""
    if secret.type == ROOT_SECRET_TYPE:
        return roots.writing.holds(RootId(RootSource.SECRET, backup.root_key_id))
    canary = canary_document_of(secret)
    return canary is not None and await canary_sings(canary, roots)


def _clear(backup: RingBackup) -> dict[str, Sensitive]:
    keks = {one.kek.kid: one.kek.key for one in backup.keks}
    return keks | {one.kid: one.private for one in backup.sealing_keys}


async def _wrapped(secret: StoredSecret, clear: Mapping[str, Sensitive], roots: Roots) -> StoredSecret | None:
    document = document_of(secret)
    key = None if document is None else clear.get(document.kid)
    if document is None or key is None:
        return None
    anew = replace(document, wrapped=await roots.wrap(key, document.aad()))
    name = KEK_DATA_KEY if isinstance(document, KekDocument) else SEALING_KEY_DATA_KEY
    return replace(secret, data={name: anew.to_bytes()})
