"""`controller/own_key_ring.py` and `ring_store.py`: the key ring of a whole operator, on requests alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshcredential_operator.controller.root_sources import NamedSource
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring import KeyringRefused
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource, new_root_keys, root_keys_to_bytes
from sshcredential_operator.encryption.root_secret import RootInSecret
from unit.controller.api_memory import OWN, ApiMemory
from unit.controller.conftest import Connect
from unit.controller.own_place import OwnPlace, own_place
from unit.encryption.whole_ring import UIDS


@pytest.fixture
async def place(connected: Connect) -> AsyncIterator[OwnPlace]:
    async with own_place(connected) as found:
        yield found


async def test_it_makes_root_canary_and_keys_and_says_so(place: OwnPlace) -> None:
    await place.ring.open()
    kek = await place.kek()
    await place.key_ring.upkeep.look()
    assert place.kinds() == ["canary", "kek", "root-key"]
    assert place.key_ring.upkeep.state.history.backed_up_at is None
    state = place.api.sheet["state.json"]
    assert kek.kid in state
    assert '"changedAt":"2026-11-29T04:00:00Z"' in state
    assert '"madeAt":"2026-11-29T04:00:00Z"' in state
    made = place.api.objects[place.api.path_of(kek_secret_name(UIDS["genomics"], 1))]
    assert made["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sshcredential-operator"


async def test_the_roots_are_those_that_were_named_in_their_order(connected: Connect, tmp_path: Path) -> None:
    file = tmp_path / "root"
    file.write_bytes(root_keys_to_bytes(new_root_keys()))
    named = (NamedSource(RootSource.FILE, file), NamedSource(RootSource.SECRET))
    async with own_place(connected, root_sources=named) as place:
        assert [type(one) for one in place.ring.places] == [RootInFile, RootInSecret]
        await place.ring.open()
        await place.kek()
        assert ROOT_SECRET_NAME not in place.api.names()
        assert place.kinds() == ["canary", "kek"]


async def test_what_is_wrong_with_the_root_is_an_event_of_the_operators_namespace(place: OwnPlace) -> None:
    await place.ring.open()
    await place.kek()
    del place.api.objects[place.api.path_of(ROOT_SECRET_NAME)]
    await place.key_ring.upkeep.look()
    events = [raw for path, raw in place.api.objects.items() if "/events/" in path]
    assert [(raw["reason"], raw["type"], raw["metadata"]["namespace"]) for raw in events] == [
        ("RootKeyProblem", "Warning", OWN)
    ]
    assert "is gone" in events[0]["note"]
    assert events[0]["regarding"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "namespace": OWN,
        "name": "sshcredential-key-ring",
    }


async def test_a_secret_is_changed_and_deleted_only_as_it_was_seen(place: OwnPlace) -> None:
    store = place.key_ring.secrets
    assert await store.create("x", KEK_SECRET_TYPE, {"kek": b"1"}, {})
    assert not await store.create("x", KEK_SECRET_TYPE, {"kek": b"2"}, {})
    seen = await store.get("x")
    assert seen
    assert await store.replace(seen, {"kek": b"2"})
    assert not await store.replace(seen, {"kek": b"3"})
    assert not await store.delete(seen)
    newer = await store.get("x")
    assert newer
    assert (newer.name, newer.type, newer.data) == ("x", KEK_SECRET_TYPE, {"kek": b"2"})
    assert await store.list(KEK_SECRET_TYPE) == [newer]
    assert await store.delete(newer)
    assert not await store.delete(newer)
    assert not await store.replace(newer, {})
    assert await store.get("x") is None


async def test_a_root_is_not_made_where_credentials_exist(place: OwnPlace) -> None:
    await place.ring.open()
    kek = await place.kek()
    place.hold(kek)
    for name in place.api.names():
        del place.api.objects[place.api.path_of(name)]
    with pytest.raises(KeyringRefused):
        await place.ring.open()
    assert place.api.names() == []


async def test_a_request_in_the_config_map_is_seen_and_answered_while_it_runs(place: OwnPlace) -> None:
    await place.ring.open()
    place.api.ask(verify="a1")
    tasks = place.key_ring.start()
    async with asyncio.timeout(20):
        while "verify" in place.api.sheet:
            await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ended} == {asyncio.CancelledError}
    assert ApiMemory.path_of("sshcredential-key-ring", kind="configmaps") in place.api.objects
