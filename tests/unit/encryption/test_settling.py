"""`encryption/settling.py`: no key is used under a root key that was dropped while it was made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_rotation import move_all
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import RootAway
from sshcredential_operator.encryption.sealing_ring import SealingRing
from unit.encryption.ring_memory import Cluster, Store

OTHER_UID = "11111111-0000-4000-8000-000000000000"
UID = "00000000-0000-4000-8000-000000000000"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


async def replace_and_drop(cluster: Cluster) -> None:
    """Another replica rotates the root key and drops the old one: nothing needs it so far."""
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    old = ring.roots.id.key_id
    place = RootInSecret(store)
    assert await place.put_new_key_before(old)
    await ring.refresh()
    await move_all(store, ring.roots, no_pause)
    assert await place.drop_key(old)


async def no_pause() -> None:
    return


async def overtaken(prefix: str) -> tuple[Cluster, Store, Keyring]:
    """Return a ring that is overtaken when it is about to write a Secret of this name."""
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    await ring.kek_for_writing("proteomics", OTHER_UID)
    at = [True]

    async def before(_: int, what: str) -> None:
        # The first request of this name is the POST: what is new is not read before.
        if what.startswith(prefix) and at:
            at.clear()
            await replace_and_drop(cluster)

    store.before = before
    return cluster, store, ring


async def test_a_workspaces_key_that_was_overtaken_opens_for_whoever_starts_afterwards() -> None:
    cluster, _, ring = await overtaken("sshcredential-kek-")
    kek = await ring.kek_for_writing("genomics", UID)
    assert kek is not None
    later = Keyring(Store(cluster))
    await later.open()
    assert later.unopened == ()
    assert later.newest("genomics", UID) == kek


async def test_a_sealing_key_that_was_overtaken_opens_for_whoever_starts_afterwards() -> None:
    cluster, store, ring = await overtaken("sshcredential-sealing-key-")
    made = await SealingRing(ring, store).make(1, NOW)
    assert made is not None
    later = Keyring(Store(cluster))
    await later.open()
    assert (await SealingRing(later, Store(cluster)).look()).unopened == ()


async def test_a_key_is_not_used_where_the_root_key_cannot_be_seen_after_it_was_stored() -> None:
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()

    async def before(_: int, what: str) -> None:
        if what.startswith("sshcredential-kek-"):
            cluster.secrets.pop(ROOT_SECRET_NAME, None)

    store.before = before
    with pytest.raises(RootAway):
        await ring.kek_for_writing("genomics", UID)
    assert len(cluster.of_type(KEK_SECRET_TYPE)) == 1
    assert ring.newest("genomics", UID) is None
