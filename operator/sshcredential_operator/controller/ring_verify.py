"""Opens all that the key ring holds once, without changing anything, and says what opened. Used by `ring_requests.py`.

Public facts only: names and counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.controller.ring_problems import sentence_of
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import KeyringStore
from sshcredential_operator.encryption.ring_documents import secret_in
from sshcredential_operator.encryption.ring_look import look
from sshcredential_operator.encryption.root_check import RootProblem, next_step
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, sealing_key_document_of


async def verified(ring: Keyring, store: KeyringStore, request: str) -> dict[str, Any]:
    """Return what opens and what does not, with the roots that are there now. May raise RootAway."""
    seen = await look(store, ring.places)
    judged = next_step(seen.seen)
    sealing = await store.list(SEALING_KEY_SECRET_TYPE)
    shut = []
    for secret in sealing:
        document = sealing_key_document_of(secret)
        roots = seen.roots or ring.roots
        if document is None or await secret_in(document, roots) is None:
            shut.append(secret.name)
    return {
        "request": request,
        "at": format_timestamp(datetime.now(UTC)),
        "problem": sentence_of(judged, ring.places[0]) if isinstance(judged, RootProblem) else "",
        "canary": seen.seen.canary.value,
        "keks": len(seen.keks),
        "unopened": list(seen.unopened),
        "sealingKeys": len(sealing) - len(shut),
        "sealingUnopened": shut,
    }
