"""`controller/ring_requests.py`: what is asked of the key ring is done once, and no key is dropped that is needed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from sshcredential_operator.api.names import SECRET_TYPE, Namespace
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller import ring_requests
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import Asked
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.envelope import Kek, seal
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name, new_kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_documents import wrapped_kek
from sshcredential_operator.encryption.ring_rotation import move_all
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import MAX_ROOT_KEYS, ROOT_SECRET_NAME
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import LocalRoot, Roots
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.encryption.ring_memory import Cluster, Store

UID = "00000000-0000-4000-8000-000000000000"
GENOMICS = Namespace("genomics")


class Place:
    """An operator's key ring in memory, and the workspace's Secrets on a server."""

    def __init__(self, cluster: Cluster, requests: Requests) -> None:
        self.cluster, self.store = cluster, Store(cluster)
        self.ring = Keyring(self.store)
        self.requests = requests
        self.answers = self.answering()

    def answering(self) -> RingRequests:
        workspaces = KeyringWorkspaces(self.ring, self.requests)
        return RingRequests(self.ring, self.store, self.requests, workspaces, cast("Rewrapping", None))

    async def root(self) -> LocalRoot:
        root = await RootInSecret(Store(self.cluster)).load()
        assert isinstance(root, LocalRoot)
        return root

    async def ask(self, verb: str, key_id: str, namespace: Namespace | None = None) -> str | None:
        return await self.answers.answer(Asked(verb, verb, namespace, key_id))


async def nothing(_: int, __: str) -> None:
    return


async def no_pause() -> None:
    return


async def nothing_before(_: int, __: str) -> None:
    return


def secret_under(kek: Kek) -> dict[str, Any]:
    value = seal(Sensitive(b"a key"), kek, b"{}")
    metadata = {"name": "hpc-login-sshcredential", "namespace": "genomics", "uid": "1", "resourceVersion": "1"}
    return {"type": SECRET_TYPE, "metadata": metadata, "data": {"privateKey": b64encode(value).decode()}}


@pytest.fixture
async def secrets() -> list[dict[str, Any]]:
    return []


@pytest.fixture
async def place(connected: Connect, secrets: list[dict[str, Any]]) -> AsyncIterator[Place]:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/secrets"):
            return web.json_response({"metadata": {}, "items": secrets})
        return web.json_response({"metadata": {"name": "genomics", "uid": UID}})

    async with serving(answer) as address:
        requests = Requests(await connected(address))
        found = Place(Cluster(), requests)
        await found.ring.open()
        yield found
        await requests.close()


async def test_a_root_key_is_replaced_once_however_often_it_is_asked_for(place: Place) -> None:
    old = (await place.root()).id.key_id
    assert await place.ask("rotate-root", old) is None
    new = await place.root()
    assert await place.ask("rotate-root", old) is None
    assert (await place.root()) == new
    assert len(new.keys.keys) == 2
    assert place.ring.roots.id == new.id


@pytest.mark.parametrize("verb", ["rotate-root", "drop-root"])
async def test_what_cannot_be_written_at_the_root_key_is_neither_done_nor_refused(place: Place, verb: str) -> None:
    old = (await place.root()).id.key_id
    if verb == "drop-root":
        assert await place.ask("rotate-root", old) is None
    keys = [key.kid for key in (await place.root()).keys.keys]

    async def before(_: int, what: str) -> None:
        """Let somebody write the same right before each PATCH, and each GET."""
        if what == ROOT_SECRET_NAME:
            seen = place.cluster.secrets[what]
            place.cluster.put(what, seen.type, seen.data)

    place.store.before = before
    with pytest.raises(TroubleError):
        await place.ask(verb, old)
    assert [key.kid for key in (await place.root()).keys.keys] == keys

    place.store.before = nothing
    assert await place.ask(verb, old) is None
    assert [key.kid for key in (await place.root()).keys.keys] != keys


async def test_there_is_a_sentence_when_no_more_root_keys_fit(place: Place) -> None:
    for _ in range(MAX_ROOT_KEYS - 2):
        assert await place.ask("rotate-root", (await place.root()).id.key_id) is None
    assert await place.ask("rotate-root", (await place.root()).id.key_id) == ring_requests.FULL


async def test_a_root_key_is_dropped_when_all_is_under_its_successor_and_not_before(place: Place) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    old = (await place.root()).id.key_id
    await place.ask("rotate-root", old)
    assert await place.ask("drop-root", old) == ring_requests.IN_USE.format(key_id=old, count=1)
    await move_all(place.store, place.ring.roots, no_pause)
    assert await place.ask("drop-root", old) is None
    assert [key.kid for key in (await place.root()).keys.keys] == [place.ring.roots.id.key_id]
    no_root = "0" * 16
    assert await place.ask("drop-root", no_root) == ring_requests.UNKNOWN.format(key_id=no_root)


async def test_a_key_that_an_operator_dropped_without_telling_of_it_is_dropped_and_no_other_is_said_to_be(
    place: Place,
) -> None:
    first = await place.ring.kek_for_writing("genomics", UID)
    old = (await place.root()).id.key_id
    assert first is not None
    await place.ask("rotate", first.kid, GENOMICS)
    await place.ask("rotate-root", old)
    await move_all(place.store, place.ring.roots, no_pause)
    for _ in range(2):  # the second is by another replica, which knows nothing of the first
        assert await place.ask("drop", first.kid, GENOMICS) is None
        assert await place.ask("drop-root", old) is None
        place.answers = place.answering()
    newest = place.ring.newest("genomics", UID)
    assert newest is not None
    typo = newest.kid[:-1] + ("0" if newest.kid[-1] != "0" else "1")
    assert await place.ask("drop", typo, GENOMICS) == ring_requests.UNKNOWN.format(key_id=typo)
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 1


async def test_what_is_done_is_not_done_again_before_it_is_told(place: Place) -> None:
    first = await place.ring.kek_for_writing("genomics", UID)
    assert first is not None
    asked = Asked("verify", "verify", None, "once")
    await place.answers.answer(asked)
    found, count = place.answers.verified, place.store.count
    await place.answers.answer(asked)
    assert (place.answers.verified, place.store.count) == (found, count)
    place.answers.told()
    await place.answers.answer(asked)
    assert place.store.count > count


async def test_the_root_key_for_writing_is_never_dropped(place: Place) -> None:
    writing = (await place.root()).id.key_id
    assert await place.ask("drop-root", writing) == ring_requests.UNKNOWN.format(key_id=writing)
    assert (await place.root()).id.key_id == writing


async def test_no_root_key_is_dropped_while_a_replica_that_led_before_may_move_a_key_to_it(place: Place) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    first = (await place.root()).id.key_id
    await place.ask("rotate-root", first)
    second = (await place.root()).id.key_id
    await place.ask("rotate-root", second)
    refused = await place.ask("drop-root", second)
    assert refused == ring_requests.NOT_MOVED.format(key_id=second, count=1)
    assert len((await place.root()).keys.keys) == 3


async def test_a_root_key_comes_back_when_something_was_wrapped_by_it_while_it_was_dropped(place: Place) -> None:
    old = await place.root()
    kek = new_kek(UID, 1)
    document = await wrapped_kek(kek, "genomics", UID, Roots(old))
    await place.ask("rotate-root", old.id.key_id)
    lists: list[str] = []

    async def before(_: int, what: str) -> None:
        """Let a replica write late that looked at the root key before it was replaced: after the first count."""
        lists.append(what)
        if lists.count(KEK_SECRET_TYPE) and what == ROOT_SECRET_NAME:
            place.cluster.put(kek_secret_name(UID, 1), KEK_SECRET_TYPE, {KEK_DATA_KEY: document.to_bytes()})

    place.store.before = before
    assert await place.ask("drop-root", old.id.key_id) == ring_requests.IN_USE.format(key_id=old.id.key_id, count=1)
    place.store.before = nothing_before
    assert [key.kid for key in (await place.root()).keys.keys][1:] == [old.id.key_id]
    later = Keyring(Store(place.cluster))
    await later.open()
    assert later.newest("genomics", UID) == kek


async def test_a_workspaces_key_gets_one_successor_and_goes_when_no_secret_needs_it(
    place: Place, secrets: list[dict[str, Any]]
) -> None:
    first = await place.ring.kek_for_writing("genomics", UID)
    assert first is not None
    assert await place.ask("drop", first.kid, GENOMICS) == ring_requests.THE_NEWEST.format(key_id=first.kid)
    for _ in range(2):
        assert await place.ask("rotate", first.kid, GENOMICS) is None
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 2
    secrets.append(secret_under(first))
    assert await place.ask("drop", first.kid, GENOMICS) == ring_requests.IN_USE.format(key_id=first.kid, count=1)
    secrets.clear()
    assert await place.ask("drop", first.kid, GENOMICS) is None
    assert place.ring.known(first.kid, "genomics", UID) is None
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 1


async def test_a_workspaces_key_that_cannot_be_replaced_yet_stays_asked_for(place: Place) -> None:
    first = await place.ring.kek_for_writing("genomics", UID)
    assert first is not None
    root = place.cluster.secrets.pop(ROOT_SECRET_NAME)
    with pytest.raises(TroubleError):
        await place.ask("rotate", first.kid, GENOMICS)
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 1
    place.cluster.secrets[ROOT_SECRET_NAME] = root
    await place.ring.refresh()
    assert await place.ask("rotate", first.kid, GENOMICS) is None
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 2


async def test_a_key_of_another_workspace_is_neither_replaced_nor_dropped(place: Place) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    assert await place.ask("rotate", "other", GENOMICS) == ring_requests.UNKNOWN.format(key_id="other")
    assert await place.ask("drop", "other", GENOMICS) == ring_requests.UNKNOWN.format(key_id="other")
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 1


async def test_a_root_key_that_the_operator_does_not_keep_is_left_to_those_who_do(place: Place, tmp_path: Path) -> None:
    place.ring.places = (RootInFile(tmp_path / "root"),)
    assert await place.ask("rotate-root", "any") == ring_requests.NOT_OURS
    assert await place.ask("drop-root", "any") == ring_requests.NOT_OURS
