"""Which root keeps what `sshcred keyring restore` brings back, and whether it may be brought there at all.

All is looked at before anything is written. A root key that is there, in whatever place, is never replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.ring_roots import roots_of
from sshcredential_operator.controller.root_sources import NamedSource
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_return import Returning, opens, others_in_use, returning, strangers
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootSource,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.roots import RootAway, RootId, Roots

AWAY = "the root key cannot be asked now: try again when the KMS plugin answers"


def roots_here(
    sources: tuple[NamedSource, ...], there: Sequence[StoredSecret], backup: RingBackup, namespace: str
) -> tuple[Roots | None, StoredSecret | None]:
    """Return the roots that keep the keys here, and a root key's Secret that is to be made for them.

    No roots: there are none yet, and the backup's Secrets come back as they were.
    """
    in_secret = (sources[0].source if sources else RootSource.SECRET) is RootSource.SECRET
    if not in_secret or any(secret.name == ROOT_SECRET_NAME for secret in there):
        return roots_of(sources, there, namespace), None
    if not sources or backup.root_source is RootSource.SECRET:
        return None, None
    fresh = StoredSecret(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())})
    return roots_of(sources, [fresh], namespace), fresh


def wanted_here(
    backup: RingBackup, roots: Roots | None, there: Sequence[StoredSecret], namespace: str, *, beside: bool
) -> Returning:
    """Return what is to be there, or end with why nothing is brought here."""
    if unknown := strangers(there, backup, roots):
        end(
            f"namespace {namespace} holds {_counted(unknown)}, which are not of this backup. Nothing was changed. If "
            "the operator works with that root key, say where it is with --root-source, as to the operator; otherwise "
            "restore the root key that they need first"
        )
    try:
        wanted = asyncio.run(returning(backup, roots)) if roots else Returning(backup.secrets)
    except RootAway:
        end(AWAY)
    if not wanted.own_root and not beside and (count := others_in_use(there, backup)):
        end(
            f"another key ring is in use in namespace {namespace}: its root key has {count} workspaces' keys that are "
            "not of this backup. Nothing was changed. With --beside the backup's keys are put beside them, under that "
            "root key, and both go on; is --operator-namespace the right one?"
        )
    return wanted


def opens_here(secret: StoredSecret, roots: Roots | None) -> bool:
    """Whether a key that is stored opens with the roots here; where there are none yet, nothing is said against it."""
    try:
        return roots is None or asyncio.run(opens(secret, roots))
    except RootAway:
        end(AWAY)


def _counted(unknown: Mapping[RootId, int]) -> str:
    return " and ".join(
        f"{count} keys under a root key ({root.source.value} {root.key_id}) that is not here"
        for root, count in sorted(unknown.items())
    )
