"""What a person has done to a workspace's keys, taken over: deleted to shred them, or bound to a namespace made anew.

Called by the controller: when it is asked to, and for what is gone or new when it begins to lead. It reads, and changes
only what is in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import KeyringStore
from sshcredential_operator.encryption.ring_documents import kek_document_of, stored_keks_of


async def reread(ring: Keyring, store: KeyringStore, namespace: str) -> None:
    """Take the keys of all namespaces of this name as they are stored. May raise RootAway."""
    held = held_by(ring)
    listed = await store.list(KEK_SECRET_TYPE)
    drop_gone(ring, held, {secret.name for secret in listed})
    documents = ((secret, kek_document_of(secret)) for secret in listed)
    of_it = [secret for secret, document in documents if document and document.namespace == namespace]
    for found in (await stored_keks_of(of_it, ring.roots)).values():
        if found:
            ring.learn(found)


async def learn_new(ring: Keyring, store: KeyringStore, names: Collection[str]) -> None:
    """Take keys whose Secrets were listed and that are in no memory: an earlier list was old. May raise RootAway."""
    held = set(held_by(ring).values())
    if held.issuperset(names):
        return
    unknown = [secret for secret in await store.list(KEK_SECRET_TYPE) if secret.name not in held]
    for found in (await stored_keks_of(unknown, ring.roots)).values():
        if found:
            ring.learn(found)


def held_by(ring: Keyring) -> Mapping[str, str]:
    """Return the keys in memory, and the names of their Secrets. To be asked before those are listed."""
    documents = (stored.document for stored in ring.documents)
    return {document.kid: kek_secret_name(document.namespace_uid, document.slot or 0) for document in documents}


def drop_gone(ring: Keyring, held: Mapping[str, str], names: Collection[str]) -> None:
    """Forget the keys that were held before the Secrets were listed, and whose Secrets are not among them."""
    for kid, name in held.items():
        if name not in names:
            ring.drop(kid)
