"""`controller/ring_upkeep.py`: requests are answered once, roots are followed, and what is wrong is told and heals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.controller import ring_requests, ring_upkeep
from sshcredential_operator.controller.ring_upkeep import LOOK_SECONDS, RETRY, SUBJECT
from sshcredential_operator.encryption.credential_secret import seal_credential
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_check import RootProblem
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.roots import LocalRoot
from sshcredential_operator.encryption.sealing_ring import SealingRing
from sshcredential_operator.reconcile.observed import Stored, Unopened
from unit.controller.api_memory import RING, ApiMemory
from unit.controller.conftest import Connect
from unit.controller.objects import key
from unit.controller.ring_place import GENOMICS, UID, RingPlace, beside, ring_place
from unit.encryption.samples import OTHER_UID, RECORD, material
from unit.encryption.whole_ring import NOW, spoilt


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_upkeep, "MOVES_A_SECOND", 1e9)


@pytest.fixture
async def place(connected: Connect) -> AsyncIterator[RingPlace]:
    async with ring_place(connected) as found:
        yield found


def lost(place: RingPlace, name: str = ROOT_SECRET_NAME) -> StoredSecret:
    return place.cluster.secrets.pop(name)


async def test_the_first_look_tells_of_the_ring_and_the_next_ones_ask_for_nothing(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    assert await place.look() == LOOK_SECONDS
    assert place.state["root"]["keyId"] == place.ring.roots.id.key_id
    assert place.state["wrappedBy"][0]["count"] == 1
    place.cluster.requests.clear()
    place.api.asked.clear()
    assert await place.look(3) == LOOK_SECONDS
    assert (place.cluster.requests, place.api.asked) == ([], [])


async def test_a_workspaces_first_key_is_told_of_without_being_asked(place: RingPlace) -> None:
    await place.look()
    await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    assert list(place.state["workspaces"]) == ["genomics"]
    assert place.state["wrappedBy"][0]["count"] == 1


async def test_a_root_key_that_is_replaced_wraps_everything_two_looks_later(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    await SealingRing(place.ring, place.store).make(1, NOW)
    await place.look()
    old = place.ring.roots.id.key_id
    place.ask(rotate_root=old)
    await place.look(2)
    new = (await place.root()).id.key_id
    assert new != old
    assert place.waiting == set()
    assert place.state["wrappedBy"] == [{"source": "Secret", "keyId": new, "count": 2}]
    assert (place.state["left"], place.state["refused"]) == ([], {})


async def test_requests_are_answered_once_and_taken_away_and_a_refusal_is_said(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.ask(rotate_root="other", drop_root="other", rotate__genomics=kek.kid, drop__genomics=kek.kid, note="mine")
    await place.look()
    assert place.waiting == {"note"}
    assert place.state["refused"] == {
        "drop-root": ring_requests.UNKNOWN.format(key_id="other"),
        "drop.genomics": ring_requests.THE_NEWEST.format(key_id=kek.kid),
    }
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 2
    place.ask(drop__genomics=kek.kid)
    await place.look()
    assert "drop.genomics" not in place.state["refused"]
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 1


async def test_an_answer_from_before_what_the_watch_has_told_of_answers_nobody_and_is_asked_again(
    place: RingPlace,
) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.ask(rotate__genomics=kek.kid)
    place.upkeep._heard = str(10**9)
    await place.look(2)
    assert "rotate.genomics" in place.waiting
    place.upkeep._heard = "1"
    await place.look()
    assert place.waiting == set()


async def test_what_was_dropped_is_not_called_unknown_when_the_answer_could_not_be_written(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.ask(rotate__genomics=kek.kid)
    await place.look()
    place.ask(drop__genomics=kek.kid)

    async def meanwhile(request: web.Request) -> None:
        if request.method == "PATCH" and request.path.endswith(RING):
            place.api.before = nothing
            place.api.ask(note="mine")

    async def nothing(_: web.Request) -> None:
        return

    place.api.before = meanwhile
    await place.look()
    assert "drop.genomics" in place.waiting
    await place.look()
    assert (place.waiting, place.state["refused"]) == ({"note"}, {})


async def test_a_secret_on_a_later_page_keeps_a_key_from_being_dropped(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.ask(rotate__genomics=kek.kid)
    await place.look()
    newest = place.ring.newest("genomics", UID)
    assert newest
    for name, held_by in (("a", newest), ("b", newest), ("c", kek)):
        data = seal_credential(RECORD, material(RECORD), held_by, "genomics", name)
        place.api.put_ring(StoredSecret(f"{name}-sshcredential", SECRET_TYPE, data), "genomics")
    place.api.page = 1
    place.ask(drop__genomics=kek.kid)
    await place.look()
    assert place.state["refused"] == {"drop.genomics": ring_requests.IN_USE.format(key_id=kek.kid, count=1)}


async def test_a_key_of_another_workspace_is_not_dropped_by_its_name(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    other = await place.ring.kek_for_writing("proteomics", OTHER_UID)
    assert other
    assert await place.ring.make_next("proteomics", OTHER_UID, other.kid)
    place.ask(drop__genomics=other.kid)
    await place.look()
    assert place.state["refused"] == {"drop.genomics": ring_requests.UNKNOWN.format(key_id=other.kid)}
    assert place.ring.known(other.kid, "proteomics", OTHER_UID) == other
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 3


async def test_a_key_that_was_bound_to_a_namespace_made_anew_can_go_when_nothing_needs_it(place: RingPlace) -> None:
    old = await place.ring.kek_for_writing("genomics", UID)
    assert old
    place.api.put_namespace("genomics", OTHER_UID)
    secret = place.cluster.secrets[kek_secret_name(UID, 1)]
    bound = {"sshcredentials.dev/rebound-to": OTHER_UID}
    place.cluster.secrets[secret.name] = replace(secret, annotations=bound)
    place.ask(reread__genomics="1")
    await place.look()
    place.ask(drop__genomics=old.kid)
    await place.look()
    assert place.state["refused"] == {}
    assert [one.name for one in place.cluster.of_type(KEK_SECRET_TYPE)] == [kek_secret_name(OTHER_UID, 1)]


async def test_a_root_key_that_was_dropped_opens_nothing_any_more(place: RingPlace) -> None:
    old = place.ring.roots.id
    place.ask(rotate_root=old.key_id)
    await place.look(2)
    place.ask(drop_root=old.key_id)
    await place.look()
    assert isinstance(place.ring.roots.writing, LocalRoot)
    assert not place.ring.roots.writing.holds(old)


async def test_what_was_verified_is_told_with_the_request(place: RingPlace) -> None:
    place.ask(verify="a1")
    await place.look()
    assert (place.state["verified"]["request"], place.waiting) == ("a1", set())
    place.ask(rotate_root="other")
    await place.look()
    assert place.state["verified"]["request"] == "a1"


async def test_a_replica_that_leads_again_takes_the_root_that_another_has_made_meanwhile(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    other = beside(place)
    await other.ring.open()
    other.ask(rotate_root=place.ring.roots.id.key_id)
    await other.look(2)
    new = (await place.root()).id

    place.upkeep.resume()
    await place.look()
    assert place.ring.roots.id == new
    assert (place.upkeep.state.left, place.state["root"]["keyId"]) == ((), new.key_id)
    assert place.state["wrappedBy"] == [{"source": "Secret", "keyId": new.key_id, "count": 1}]


async def test_a_replica_that_leads_again_goes_on_with_a_rotation_that_another_has_begun(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    other = beside(place)
    await other.ring.open()
    other.ask(rotate_root=place.ring.roots.id.key_id)
    await other.look()  # and no second one

    place.upkeep.resume()
    await place.look()
    new = (await place.root()).id.key_id
    assert place.state["wrappedBy"] == [{"source": "Secret", "keyId": new, "count": 1}]


async def test_a_key_that_was_deleted_while_another_led_is_forgotten(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    lost(place, kek_secret_name(UID, 1))
    place.upkeep.resume()
    await place.look()
    assert kek
    assert place.ring.known(kek.kid, "genomics", UID) is None
    assert place.state["workspaces"] == {}


async def test_what_does_not_open_is_left_and_tried_again_until_it_does(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    secret = place.cluster.secrets[kek_secret_name(UID, 1)]
    place.cluster.put(secret.name, secret.type, spoilt(secret).data)
    place.ask(rotate_root=place.ring.roots.id.key_id)
    await place.look(2)
    assert list(place.upkeep.state.left) == [secret.name]
    place.cluster.put(secret.name, secret.type, secret.data)
    await place.look()
    assert list(place.upkeep.state.left) == []
    place.upkeep.resume()
    await place.look()
    assert place.state["left"] == []


async def test_a_lost_root_is_told_once_and_the_request_is_answered_when_it_is_back(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    root = lost(place)
    place.ask(rotate_root=place.ring.roots.id.key_id)
    for _ in range(3):
        assert await place.look() == LOOK_SECONDS
    assert [sentence for sentence in place.heard if "is gone" in sentence] == place.heard
    assert len(place.heard) == 1
    assert place.upkeep.remarks == {SUBJECT: place.heard[0]}
    assert place.ring.problem is RootProblem.ROOT_LOST
    assert place.waiting == {"rotate-root"}
    assert ROOT_SECRET_NAME not in place.cluster.secrets

    place.cluster.put(root.name, root.type, root.data)
    await place.look(2)
    assert (place.upkeep.remarks, place.waiting) == ({}, set())
    assert not place.ring.problem
    assert len((await place.root()).keys.keys) == 2


async def test_another_problem_is_told_after_the_first(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    root = lost(place)
    await place.look()
    place.cluster.put(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, {ROOT_DATA_KEY: b"cut"})
    await place.look()
    assert ["is gone" in sentence for sentence in place.heard] == [True, False]
    assert "does not hold a root key" in place.heard[1]
    place.cluster.put(root.name, root.type, root.data)
    await place.look()
    assert place.upkeep.remarks == {}


async def test_a_file_is_followed_and_a_bad_one_changes_nothing(place: RingPlace, tmp_path: Path) -> None:
    first, second, file = new_root_keys(), new_root_keys(), tmp_path / "root"
    file.write_bytes(root_keys_to_bytes(first))
    place.ring.places = (RootInFile(file), *place.ring.places)
    kek = await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    assert {one["source"] for one in place.state["wrappedBy"]} == {"File"}

    file.write_bytes(b"cut")
    assert await place.look() == LOOK_SECONDS
    assert "does not hold a root key" in place.heard[-1]
    assert place.ring.newest("genomics", UID) == kek
    file.write_bytes(root_keys_to_bytes(RootKeys((*second.keys, *first.keys))))
    await place.look()
    assert place.upkeep.remarks == {}
    assert place.ring.roots.id.key_id == second.writing.kid
    await place.look()
    place.upkeep.resume()
    await place.look()
    assert place.state["wrappedBy"] == [{"source": "File", "keyId": second.writing.kid, "count": 1}]


async def test_a_root_that_is_away_is_looked_for_sooner_and_told(place: RingPlace, tmp_path: Path) -> None:
    await place.look()
    before = place.ring.roots
    place.ring.places = (RootInFile(tmp_path),)  # a folder cannot be read as a file
    place.ask(rotate_root="x")
    await place.look()
    assert "cannot be read now" in place.heard[0]
    assert place.ring.problem is RootProblem.ROOT_AWAY
    assert place.ring.roots == before
    assert RETRY < LOOK_SECONDS


@pytest.mark.parametrize("what", [("GET", RING), ("PATCH", RING)], ids=["reading", "writing"])
async def test_a_request_waits_while_the_config_map_cannot_be_used(place: RingPlace, what: tuple[str, str]) -> None:
    await place.look()
    old = place.ring.roots.id.key_id
    place.ask(rotate_root=old)
    place.api.refuses[what] = 500
    assert await place.look() == LOOK_SECONDS
    assert place.waiting == {"rotate-root"}
    place.api.refuses.clear()
    await place.look()
    assert place.waiting == set()
    assert len((await place.root()).keys.keys) == 2


async def test_an_answer_that_is_no_api_servers_ends_nothing(place: RingPlace) -> None:
    place.api.put(ApiMemory.path_of(RING, kind="configmaps"), {"data": {"rotate-root": 7}})
    assert await place.look() == LOOK_SECONDS


def under(kid: str, version: str = "1") -> Stored:
    return Stored("uid", version, RECORD, kid)


async def test_data_keys_are_made_anew_for_who_gets_a_turn_and_it_stays_asked_until_all_are_through(
    place: RingPlace,
) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.credentials.remember_secret(key("held"), under(kek.kid))
    place.ask(rotate__genomics=f"{kek.kid} re-encrypt")
    await place.look()
    assert place.rewrapping.re_encrypted == {GENOMICS}
    assert place.waiting == {"rotate.genomics"}
    assert place.state["workspaces"]["genomics"]["pending"] == 1
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 2

    newest = place.ring.newest("genomics", UID)
    assert newest
    place.credentials.remember_secret(key("held"), under(newest.kid, "2"))
    await place.look()
    assert (place.waiting, place.state["workspaces"]["genomics"]["pending"]) == (set(), 0)
    await place.look()
    place.upkeep.resume()
    await place.look()
    assert place.rewrapping.re_encrypted == set()
    assert len(place.cluster.of_type(KEK_SECRET_TYPE)) == 2


async def test_how_many_are_under_an_old_key_is_told_until_none_is(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    assert kek
    place.credentials.remember_secret(key("held"), under(kek.kid))
    place.ask(rotate__genomics=kek.kid)
    await place.look()
    assert place.waiting == set()
    assert place.state["workspaces"]["genomics"]["pending"] == 1
    newest = place.ring.newest("genomics", UID)
    assert newest
    place.credentials.remember_secret(key("held"), under(newest.kid, "2"))
    await place.look()
    assert place.state["workspaces"]["genomics"]["pending"] == 0


async def test_keys_that_a_person_deleted_or_bound_are_taken_over_when_that_is_asked(place: RingPlace) -> None:
    kek = await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    assert kek
    place.credentials.remember_secret(key("held"), under(kek.kid))
    secret = lost(place, kek_secret_name(UID, 1))
    place.ask(reread__genomics="1")
    await place.look()
    assert isinstance(place.credentials.secret(key("held")), Unopened)
    assert (place.ring.known(kek.kid, "genomics", UID), place.waiting) == (None, set())

    place.api.put_namespace("genomics", OTHER_UID)
    bound = {"sshcredentials.dev/rebound-to": OTHER_UID}
    place.cluster.secrets[secret.name] = replace(secret, annotations=bound)
    place.ask(reread__genomics="2")
    await place.look()
    assert place.ring.known(kek.kid, "genomics", OTHER_UID) == kek
    newest = place.ring.newest("genomics", OTHER_UID)
    assert newest
    assert newest != kek


async def test_nothing_is_looked_at_while_another_replica_leads(place: RingPlace) -> None:
    leads = [False]
    place.upkeep.begin_only_while(lambda: leads[0])
    task = asyncio.create_task(place.upkeep.run())
    place.ask(verify="1")
    for _ in range(20):
        await asyncio.sleep(0)
    assert place.api.asked == []
    leads[0] = True
    place.upkeep.resume()
    async with asyncio.timeout(10):
        while place.waiting:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_state_names_no_value_of_a_document(place: RingPlace) -> None:
    await place.ring.kek_for_writing("genomics", UID)
    await place.look()
    text: Any = place.api.sheet["state.json"]
    for secret in place.cluster.secrets.values():
        assert all(value.decode() not in text for value in secret.data.values())
    assert KEK_DATA_KEY in place.cluster.secrets[kek_secret_name(UID, 1)].data
