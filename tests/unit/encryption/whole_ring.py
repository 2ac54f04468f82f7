"""A key ring in memory with everything that one can hold: root, canary, two workspaces' keys and a sealing key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_rotation import move_all
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.encryption.sealing_ring import SealingRing
from unit.encryption.ring_memory import Cluster, Store

NOW: Final = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
UIDS: Final = {"genomics": "00000001-0000-4000-8000-000000000000", "proteomics": "00000002-0000-4000-8000-000000000000"}


class Whole(NamedTuple):
    """All of it, and an operator's view of it."""

    cluster: Cluster
    store: Store
    ring: Keyring
    keks: dict[str, Kek]
    sealing: SealingKey

    def secrets(self, type_: str) -> list[StoredSecret]:
        return self.cluster.of_type(type_)

    def listed(self) -> list[StoredSecret]:
        return list(self.cluster.secrets.values())


async def whole_ring() -> Whole:
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    keks = {name: await ring.kek_for_writing(name, uid) for name, uid in UIDS.items()}
    sealing = await SealingRing(ring, store).make(1, NOW)
    assert sealing
    return Whole(cluster, store, ring, {name: kek for name, kek in keks.items() if kek}, sealing)


async def rotate_root(whole: Whole, *, drop: bool = False) -> str:
    """Replace the root key, move everything, and return the id of the key before, which is dropped if that is said."""
    place, old = RootInSecret(whole.store), whole.ring.roots.id.key_id
    assert await place.put_new_key_before(old)
    await whole.ring.refresh()
    assert (await move_all(whole.store, whole.ring.roots, no_pause)).left == ()
    if drop:
        assert await place.drop_key(old)
        await whole.ring.refresh()
    return old


async def no_pause() -> None:
    """Stand for the pace at which documents are moved."""


def spoilt(secret: StoredSecret) -> StoredSecret:
    """Return the Secret with one character of its ciphertext changed: it is read, and does not open."""
    ((name, value),) = secret.data.items()
    at = value.index(b'"ciphertext":"') + len(b'"ciphertext":"')
    other = b"B" if value[at : at + 1] == b"A" else b"A"
    return StoredSecret(secret.name, secret.type, {name: value[:at] + other + value[at + 1 :]})
