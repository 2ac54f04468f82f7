"""`encryption/ring_rotation.py`: everything goes under the root key for writing, wherever it is broken off."""

from __future__ import annotations

import pytest

from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_documents import kek_document_of
from sshcredential_operator.encryption.ring_rotation import move_all, users_of_roots
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.root_secret import RootInSecret
from unit.encryption.ring_memory import Cluster, Crashed, Store

WORKSPACES = {f"workspace-{number}": f"{number:08x}-0000-4000-8000-000000000000" for number in range(5)}


async def no_pause() -> None:
    return


async def used() -> tuple[Cluster, dict[str, bytes]]:
    cluster = Cluster()
    ring = Keyring(Store(cluster))
    await ring.open()
    keys = {name: await ring.kek_for_writing(name, uid) for name, uid in WORKSPACES.items()}
    return cluster, {name: kek.key.reveal() for name, kek in keys.items() if kek}


async def rotate(cluster: Cluster, store: Store, old: str) -> None:
    ring = Keyring(store)
    await ring.open()
    await RootInSecret(store).put_new_key_before(old)
    await ring.refresh()
    moved = await move_all(store, ring.roots, no_pause)
    assert moved.left == ()


async def keys_after(cluster: Cluster) -> dict[str, bytes]:
    ring = Keyring(Store(cluster))
    await ring.open()
    assert ring.unopened == ()
    keys = {name: await ring.kek_for_writing(name, uid) for name, uid in WORKSPACES.items()}
    return {name: kek.key.reveal() for name, kek in keys.items() if kek}


async def writing(cluster: Cluster) -> str:
    root = await RootInSecret(Store(cluster)).load()
    return root.id.key_id if not isinstance(root, str) else ""


async def test_a_crash_at_any_request_loses_no_key_and_the_next_start_goes_on() -> None:
    whole, _ = await used()
    store = Store(whole)
    await rotate(whole, store, await writing(whole))
    assert store.count > 10
    for request in range(store.count):
        for point in ("crash_before", "crash_after"):
            cluster, before = await used()
            old = await writing(cluster)
            dying = Store(cluster)
            setattr(dying, point, request)
            with pytest.raises(Crashed):
                await rotate(cluster, dying, old)
            assert await keys_after(cluster) == before, (request, point)
            await rotate(cluster, Store(cluster), old)
            assert await keys_after(cluster) == before, (request, point)
            users = await users_of_roots(Store(cluster))
            assert users == {(RootSource.SECRET, await writing(cluster)): len(WORKSPACES)}, (request, point)
            root = await RootInSecret(Store(cluster)).load()
            assert len(root.keys.keys) == 2 if not isinstance(root, str) else False, (request, point)


async def test_what_does_not_open_is_left_as_it_is_and_named() -> None:
    cluster, _ = await used()
    old = await writing(cluster)
    broken = cluster.of_type(KEK_SECRET_TYPE)[2]
    document = kek_document_of(broken)
    assert document is not None
    spoilt = document.to_bytes().replace(b'"namespace":"workspace-', b'"namespace":"workspacf-')
    cluster.put(broken.name, broken.type, {"kek": spoilt})
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    await RootInSecret(store).put_new_key_before(old)
    await ring.refresh()
    moved = await move_all(store, ring.roots, no_pause)
    assert (moved.moved, moved.left) == (len(WORKSPACES) - 1, (broken.name,))
    assert cluster.secrets[broken.name].data["kek"] == spoilt
