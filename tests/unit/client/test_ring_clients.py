"""`client/ring_secrets.py`, `client/keyring.py`: nothing is overwritten, and a change names what it was decided on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from sshcredential_operator.api.names import REBOUND_TO_ANNOTATION, SECRET_TYPE
from sshcredential_operator.client.connection import connect
from sshcredential_operator.client.keyring import KeyRing, Sheet
from sshcredential_operator.client.refused import Refused
from sshcredential_operator.client.ring_secrets import CONFLICT, RingSecrets
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RING_TYPES
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from unit.controller.api_memory import OWN, RING, ApiMemory
from unit.controller.local_server import serving, write_kubeconfig
from unit.encryption.samples import OTHER_UID
from unit.encryption.whole_ring import UIDS, Whole, whole_ring

UID = UIDS["genomics"]
KEK_NAME = kek_secret_name(UID, 1)
T = TypeVar("T")


class Desk:
    """Somebody with all rights, beside a key ring."""

    def __init__(self, api: ApiMemory, whole: Whole, kubeconfig: Path) -> None:
        self.api, self.whole = api, whole
        client = connect(kubeconfig, None).api
        self.secrets, self.ring = RingSecrets(client), KeyRing(client, OWN)


async def away(call: Callable[[], T]) -> T:
    """Call what waits for an answer, while this loop gives it."""
    return await asyncio.to_thread(call)


def given(answer: T | Refused) -> T:
    assert not isinstance(answer, Refused), answer
    return answer


def code_of(answer: object) -> int | None:
    assert isinstance(answer, Refused)
    return answer.code


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    api, whole = ApiMemory(), await whole_ring()
    for secret in whole.listed():
        api.put_ring(secret)
    for name, uid in UIDS.items():
        api.put_namespace(name, uid)
    async with serving(api.answer) as address:
        write_kubeconfig(tmp_path / "config", address, "test-only")
        yield Desk(api, whole, tmp_path / "config")


async def test_the_ring_comes_in_the_order_in_which_it_is_made_and_nothing_else_does(desk: Desk) -> None:
    desk.api.put_ring(StoredSecret("another", "Opaque", {"x": b"1"}))
    desk.api.page = 2
    found = given(await away(lambda: desk.secrets.ring(OWN)))
    assert [one.type for one in found] == sorted([one.type for one in found], key=RING_TYPES.index)
    assert {one.name: one.data for one in found} == {one.name: one.data for one in desk.whole.listed()}
    assert [one.name for one in found if one.type == KEK_SECRET_TYPE] == sorted(
        kek_secret_name(uid, 1) for uid in UIDS.values()
    )


async def test_the_secrets_of_credentials_are_those_of_the_type(desk: Desk) -> None:
    held = StoredSecret("hpc-login-sshcredential", SECRET_TYPE, {"record": b"\x00"})
    desk.api.put_ring(held, "genomics")
    desk.api.put_ring(StoredSecret("another", "Opaque", {"x": b"1"}), "genomics")
    found = given(await away(lambda: desk.secrets.credentials("genomics")))
    assert [replace(one, resource_version="") for one in found] == [held]
    assert given(await away(lambda: desk.ring.stored_in("genomics"))) == [held.data]
    assert given(await away(lambda: desk.ring.stored_in(None))) == [held.data]
    assert given(await away(lambda: desk.secrets.credentials("proteomics"))) == []


async def test_the_uids_of_namespaces_are_read(desk: Desk) -> None:
    assert given(await away(desk.secrets.namespace_uids)) == UIDS
    assert given(await away(lambda: desk.ring.namespace_uid("genomics"))) == UID
    assert code_of(await away(lambda: desk.ring.namespace_uid("nowhere"))) == 404


async def test_a_secret_is_made_as_it_was_and_never_in_the_place_of_another(desk: Desk) -> None:
    secret = StoredSecret("new", KEK_SECRET_TYPE, {"kek": b"\x00\xff"}, {"noted": "x"})
    given(await away(lambda: desk.secrets.create(OWN, secret)))
    made = desk.api.objects[desk.api.path_of("new")]
    assert (desk.api.data("new"), made["type"]) == (secret.data, KEK_SECRET_TYPE)
    assert made["metadata"]["annotations"] == {"noted": "x"}
    other = replace(secret, data={"kek": b"other"})
    assert code_of(await away(lambda: desk.secrets.create(OWN, other))) == CONFLICT
    assert desk.api.data("new") == secret.data


async def test_a_change_names_the_revision_that_was_seen_and_leaves_the_other_values(desk: Desk) -> None:
    desk.api.put_ring(StoredSecret("two", KEK_SECRET_TYPE, {"a": b"1", "b": b"2"}))
    ring = given(await away(lambda: desk.secrets.ring(OWN)))
    seen = next(one for one in ring if one.name == "two")
    given(await away(lambda: desk.secrets.change(OWN, seen, {"a": b"3"})))
    assert desk.api.data("two") == {"a": b"3", "b": b"2"}
    assert code_of(await away(lambda: desk.secrets.change(OWN, seen, {"a": b"4"}))) == CONFLICT
    assert desk.api.data("two") == {"a": b"3", "b": b"2"}
    given(await away(lambda: desk.secrets.annotate(OWN, seen, {"noted": "y"})))
    assert desk.api.objects[desk.api.path_of("two")]["metadata"]["annotations"] == {"noted": "y"}
    assert desk.api.data("two") == {"a": b"3", "b": b"2"}


@pytest.mark.parametrize(
    ("data", "sheet"),
    [
        pytest.param(
            {"state.json": '{"a":1}', "verify": "1"}, Sheet("", {"verify": "1"}, {"a": 1}), id="a state and a request"
        ),
        pytest.param({"verify": "1"}, Sheet("", {"verify": "1"}, {}), id="no state"),
        pytest.param({"state.json": "{"}, Sheet("", {}, {}), id="a state that was cut"),
        pytest.param({"state.json": "[]"}, Sheet("", {}, {}), id="a state of another form"),
        pytest.param(None, Sheet("", {}, {}), id="nothing"),
    ],
)
async def test_the_config_map_is_read_as_requests_and_a_state(
    desk: Desk, data: dict[str, str] | None, sheet: Sheet
) -> None:
    desk.api.put(desk.api.path_of(RING, kind="configmaps"), {"data": data})
    assert given(await away(desk.ring.sheet))._replace(resource_version="") == sheet


async def test_a_request_is_written_into_the_revision_that_was_seen(desk: Desk) -> None:
    assert code_of(await away(desk.ring.sheet)) == 404
    desk.api.ask(note="mine")
    seen = given(await away(desk.ring.sheet))
    assert await away(lambda: desk.ring.ask(seen, "verify", "1")) is None
    assert desk.api.sheet == {"note": "mine", "verify": "1"}
    assert code_of(await away(lambda: desk.ring.ask(seen, "verify", "2"))) == 409
    assert desk.api.sheet == {"note": "mine", "verify": "1"}


async def test_stored_keys_are_told_of_without_being_opened_and_what_is_none_is_left_out(desk: Desk) -> None:
    desk.api.put_ring(StoredSecret("cut", KEK_SECRET_TYPE, {KEK_DATA_KEY: b"{"}))
    desk.api.put_ring(StoredSecret("empty", KEK_SECRET_TYPE, {}))
    found = given(await away(desk.ring.keys))
    assert {(key.namespace, key.namespace_uid, key.kid, key.secret_name, key.rebound_to) for key in found} == {
        (name, UIDS[name], kek.kid, kek_secret_name(UIDS[name], 1), None) for name, kek in desk.whole.keks.items()
    }


async def test_a_key_is_deleted_and_bound_only_as_it_was_seen(desk: Desk) -> None:
    seen = next(key for key in given(await away(desk.ring.keys)) if key.secret_name == KEK_NAME)
    assert await away(lambda: desk.ring.bind(seen, OTHER_UID)) is None
    annotations = desk.api.objects[desk.api.path_of(KEK_NAME)]["metadata"]["annotations"]
    assert annotations == {REBOUND_TO_ANNOTATION: OTHER_UID}
    tries: tuple[Callable[[], Refused | None], ...] = (
        lambda: desk.ring.bind(seen, UID),
        lambda: desk.ring.delete(seen),
    )
    for late in tries:
        assert code_of(await away(late)) == CONFLICT
    newer = next(key for key in given(await away(desk.ring.keys)) if key.secret_name == KEK_NAME)
    assert newer.rebound_to == OTHER_UID
    made_anew = newer._replace(uid="another")
    assert code_of(await away(lambda: desk.ring.delete(made_anew))) == CONFLICT
    newest = next(key for key in given(await away(desk.ring.keys)) if key.secret_name == KEK_NAME)
    assert await away(lambda: desk.ring.delete(newest)) is None
    assert KEK_NAME not in desk.api.names()


@pytest.mark.parametrize("code", [403, 500])
async def test_a_refusal_is_a_value(desk: Desk, code: int) -> None:
    seen = given(await away(lambda: desk.secrets.ring(OWN)))[0]
    assert seen.name == ROOT_SECRET_NAME
    desk.api.refuses = {
        ("GET", "secrets"): code,
        ("GET", "namespaces"): code,
        ("PATCH", ROOT_SECRET_NAME): code,
        ("POST", "secrets"): code,
    }
    calls: tuple[Callable[[], object], ...] = (
        lambda: desk.secrets.ring(OWN),
        lambda: desk.secrets.credentials("genomics"),
        desk.secrets.namespace_uids,
        lambda: desk.secrets.create(OWN, seen),
        lambda: desk.secrets.change(OWN, seen, {}),
        lambda: desk.secrets.annotate(OWN, seen, {}),
        desk.ring.keys,
        lambda: desk.ring.stored_in(None),
    )
    for call in calls:
        assert code_of(await away(call)) == code
