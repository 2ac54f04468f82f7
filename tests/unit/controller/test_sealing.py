"""`controller/sealing.py` and `sealing_upkeep.py`: one key at a look, published by revision, at rest no write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from sshcredential_operator.api.names import FIELD_MANAGER, RETIRED_ANNOTATION, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.sealing import LOOK_SECONDS, RETRY_MOST, SUBJECT, OwnSealing
from sshcredential_operator.controller.sealing_config_map import ApiSealingConfigMap
from sshcredential_operator.controller.sealing_upkeep import NO_ROOT, TOO_MANY, UNSETTLED
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    new_sealing_key,
    sealing_key_secret_name,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import (
    MOST_KEYS,
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    SealingKeys,
    from_jwks,
)
from sshcredential_operator.encryption.sealing_ring import SealingRing
from sshcredential_operator.reconcile.observed import SealingKeyGone
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.lease_http import until
from unit.controller.local_server import serving
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import OTHER_ROOT

MONTH = timedelta(hours=720)
BEGINNING = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)


async def nothing() -> None:
    return


class ConfigMaps:
    """The API server's side of one ConfigMap."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self.version = 0
        self.asked: list[tuple[str, str]] = []
        self.refuse: dict[str, int] = {}
        self.before_write: Callable[[], Awaitable[None]] = nothing
        """What happens elsewhere when a write is about to arrive."""

    def put(self, data: dict[str, str]) -> None:
        self.version += 1
        self.stored = {"metadata": {"resourceVersion": str(self.version)}, "data": data}

    def keys(self) -> SealingKeys | None:
        return from_jwks(self.stored["data"][SEALING_KEYS_DATA_KEY].encode()) if self.stored else None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        if code := self.refuse.get(request.method):
            return web.json_response({}, status=code)
        if request.method == "GET":
            return self._found()
        await self.before_write()
        body = orjson.loads(await request.read())
        if request.method == "POST":
            if self.stored:
                return web.json_response({}, status=409)
        elif self.stored is None or body["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
            return web.json_response({}, status=409)
        self.put(body["data"])
        return self._found()

    def _found(self) -> web.Response:
        return web.json_response(self.stored or {}, status=200 if self.stored else 404)


class Desk:
    """The sealing keys of an operator, its ring in memory and its ConfigMap over real HTTP."""

    def __init__(self, requests: Requests, maps: ConfigMaps, ring_cluster: Cluster, keyring: Keyring) -> None:
        self.maps, self.cluster, self.keyring, self.requests = maps, ring_cluster, keyring, requests
        self.now = BEGINNING
        self.newest: list[str] = []
        self.sealing = self.another()
        self.sealing.on_newer = self.newest.append

    def another(self, store: Store | None = None) -> OwnSealing:
        """Return the sealing keys of an operator on the same cluster."""
        own = Namespace("system")
        ring = SealingRing(self.keyring, store or Store(self.cluster))
        config_map = ApiSealingConfigMap(self.requests, own)
        return OwnSealing(ring, config_map, own, period=MONTH, now=lambda: self.now)

    def secrets(self) -> list[str]:
        return sorted(secret.name for secret in self.cluster.of_type(SEALING_KEY_SECRET_TYPE))

    def retire(self, slot: int) -> None:
        name = sealing_key_secret_name(slot)
        before = self.cluster.secrets[name]
        self.cluster.secrets[name] = StoredSecret(name, before.type, before.data, {RETIRED_ANNOTATION: "true"})

    def forget_what_was_asked(self) -> None:
        self.cluster.requests.clear()
        self.maps.asked.clear()


@pytest.fixture
async def desk(connected: Connect) -> AsyncIterator[Desk]:
    maps, cluster = ConfigMaps(), Cluster()
    keyring = Keyring(Store(cluster))
    await keyring.open()
    async with serving(maps.answer) as address:
        requests = Requests(await connected(address))
        yield Desk(requests, maps, cluster, keyring)
        await requests.close()


async def test_the_first_look_makes_a_key_publishes_it_and_says_so(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert desk.sealing.newest() is None
    await desk.sealing.look()

    published = desk.maps.keys()
    assert published is not None
    (key,) = published.keys
    assert desk.secrets() == [sealing_key_secret_name(1)]
    assert (desk.sealing.newest(), desk.newest) == (key, [key.kid])
    assert [(said.kid, said.fingerprint) for said in caplog.records if hasattr(said, "kid")] == [  # type: ignore[attr-defined]  # from `extra`
        (key.kid, key.fingerprint)
    ]
    base = "/api/v1/namespaces/system/configmaps"
    assert desk.maps.asked == [
        ("GET", f"{base}/{SEALING_KEYS_CONFIG_MAP}"),
        ("POST", f"{base}?fieldManager={FIELD_MANAGER}"),
    ]


async def test_at_rest_a_look_is_one_read_and_one_list(desk: Desk) -> None:
    await desk.sealing.look()
    desk.forget_what_was_asked()
    desk.now += MONTH - timedelta(seconds=1)
    for sealing in (desk.sealing, desk.another()):
        await sealing.look()

    assert [method for method, _ in desk.maps.asked] == ["GET", "GET"]
    assert desk.cluster.requests == [("list", SEALING_KEY_SECRET_TYPE)] * 2
    assert len(desk.newest) == 1


async def test_after_a_period_there_is_a_next_key_and_old_ones_open(desk: Desk) -> None:
    await desk.sealing.look()
    first = desk.newest[0]
    desk.now += MONTH
    await desk.sealing.look()

    published = desk.maps.keys()
    assert published is not None
    assert [key.slot for key in published.keys] == [2, 1]
    assert desk.newest == [first, published.keys[0].kid]
    assert isinstance(await desk.sealing.private_half(first), Sensitive)


@pytest.mark.parametrize("jump", [timedelta(days=-4000), timedelta(days=4000)], ids=["back", "ahead"])
async def test_a_clock_that_jumps_and_returns_costs_one_key_each_time(desk: Desk, jump: timedelta) -> None:
    await desk.sealing.look()
    desk.now += jump
    for _ in range(5):
        await desk.sealing.look()
    assert len(desk.secrets()) == 2
    desk.now -= jump
    for _ in range(5):
        await desk.sealing.look()
    assert len(desk.secrets()) <= 3


@pytest.mark.parametrize("data", [{}, {SEALING_KEYS_DATA_KEY: ""}, {SEALING_KEYS_DATA_KEY: "x", "mine": "y"}])
async def test_a_changed_config_map_is_repaired_by_its_revision(desk: Desk, data: dict[str, str]) -> None:
    await desk.sealing.look()
    before = desk.maps.keys()
    desk.maps.put(data)
    await desk.sealing.look()

    assert desk.maps.keys() == before
    assert desk.maps.asked[-1][0] == "PATCH"


async def test_another_operator_in_between_is_not_overwritten(desk: Desk) -> None:
    await desk.sealing.look()
    desk.now += MONTH
    other = desk.another()

    async def other_is_faster() -> None:
        desk.maps.before_write = nothing
        await other.look()

    desk.maps.before_write = other_is_faster
    await desk.sealing.look()

    published = desk.maps.keys()
    assert published is not None
    assert [key.slot for key in published.keys] == [2, 1]
    assert desk.sealing.newest() == other.newest() == published.keys[0]


@pytest.mark.parametrize("seed", range(20))
async def test_operators_at_once_make_one_key_and_agree(desk: Desk, seed: int) -> None:
    all_of_them = [desk.another(Store(desk.cluster, seed=seed * 3 + n, delay=4)) for n in range(3)]
    await asyncio.gather(*(one.look() for one in all_of_them))

    published = desk.maps.keys()
    assert published is not None
    assert desk.secrets() == [sealing_key_secret_name(1)]
    assert {one.newest() for one in all_of_them} == {published.keys[0]}


async def test_a_name_that_is_taken_by_something_else_is_passed_over(desk: Desk) -> None:
    desk.cluster.put(sealing_key_secret_name(1), "Opaque", {"mine": b"x"})
    await desk.sealing.look()

    assert desk.secrets() == [sealing_key_secret_name(2)]
    assert desk.cluster.secrets[sealing_key_secret_name(1)].data == {"mine": b"x"}


async def test_what_never_settles_is_told_and_tried_again_later(desk: Desk) -> None:
    for slot in range(1, 10):
        desk.cluster.put(sealing_key_secret_name(slot), "Opaque", {})
    for _ in range(2):
        assert await desk.sealing.look() <= RETRY_MOST
    assert desk.sealing.remarks == {SUBJECT: UNSETTLED}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_missing_right_is_told_once_and_its_end_too(
    desk: Desk, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.maps.refuse[method] = 403
    pauses = [await desk.sealing.look() for _ in range(12)]

    assert max(pauses) <= RETRY_MOST
    (told,) = [said.message for said in caplog.records if said.levelno >= logging.ERROR]
    assert told == desk.sealing.remarks[SUBJECT]
    assert "(Forbidden)" in told
    assert desk.sealing.state.published is False
    assert desk.sealing.newest() is None
    assert len(desk.secrets()) == 1

    desk.maps.refuse.clear()
    await desk.sealing.look()
    assert (desk.sealing.remarks, desk.sealing.state.published) == ({}, True)


async def test_a_server_that_is_away_is_no_news(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.sealing.look()
    desk.maps.refuse["GET"] = 503
    for _ in range(3):
        await desk.sealing.look()
    assert desk.sealing.remarks == {}
    assert desk.sealing.state.published is True
    assert [said for said in caplog.records if said.levelno >= logging.WARNING] == []


async def test_without_its_root_no_key_is_made_and_what_there_is_stays_published(desk: Desk) -> None:
    await desk.sealing.look()
    root = desk.cluster.secrets.pop(ROOT_SECRET_NAME)
    desk.now += MONTH
    desk.maps.put({})
    for _ in range(2):
        await desk.sealing.look()
    published = desk.maps.keys()
    assert published is not None
    assert len(published.keys) == len(desk.secrets()) == 1
    assert desk.sealing.remarks == {SUBJECT: NO_ROOT}

    desk.cluster.secrets[ROOT_SECRET_NAME] = root
    await desk.sealing.look()
    assert len(desk.secrets()) == 2


async def test_keys_do_not_grow_without_end(desk: Desk) -> None:
    await desk.sealing.look()
    one = desk.cluster.secrets[sealing_key_secret_name(1)]
    for slot in range(2, MOST_KEYS + 1):
        desk.cluster.secrets[sealing_key_secret_name(slot)] = StoredSecret(sealing_key_secret_name(slot), one.type, {})
    desk.now += MONTH
    for _ in range(2):
        await desk.sealing.look()
    assert desk.sealing.remarks == {SUBJECT: TOO_MANY}
    assert len(desk.secrets()) == MOST_KEYS


# --- private halves


async def test_a_retired_key_opens_nothing_from_that_moment_on(desk: Desk) -> None:
    await desk.sealing.look()
    kid = desk.newest[0]
    desk.retire(1)
    assert await desk.sealing.private_half(kid) is SealingKeyGone.RETIRED
    await desk.sealing.look()
    del desk.cluster.secrets[sealing_key_secret_name(1)]
    assert await desk.sealing.private_half(kid) is SealingKeyGone.UNKNOWN


async def test_one_answer_that_a_key_is_gone_is_not_believed_until_a_look_bears_it_out(desk: Desk) -> None:
    await desk.sealing.look()
    kid = desk.newest[0]
    there = desk.cluster.secrets.pop(sealing_key_secret_name(1))
    with pytest.raises(TroubleError) as raised:
        await desk.sealing.private_half(kid)
    assert raised.value.reason is Reason.SERVER_UNAVAILABLE

    desk.cluster.secrets[sealing_key_secret_name(1)] = there
    assert isinstance(await desk.sealing.private_half(kid), Sensitive)

    del desk.cluster.secrets[sealing_key_secret_name(1)]
    await desk.sealing.look()
    assert await desk.sealing.private_half(kid) is SealingKeyGone.UNKNOWN


async def test_a_key_under_another_root_is_trouble_that_a_restored_root_mends(desk: Desk) -> None:
    key = new_sealing_key(1, BEGINNING)
    data = {SEALING_KEY_DATA_KEY: wrap_sealing_key(key, OTHER_ROOT, RootSource.SECRET).to_bytes()}
    desk.cluster.put(sealing_key_secret_name(1), SEALING_KEY_SECRET_TYPE, data)
    with pytest.raises(TroubleError) as raised:
        await desk.sealing.private_half(key.kid)
    assert raised.value.reason is Reason.KEY_RING_UNAVAILABLE
    await desk.sealing.look()
    assert desk.sealing.state.unopened == (sealing_key_secret_name(1),)
    assert desk.newest[0].startswith("2.")


# --- when it looks


async def test_a_standby_looks_at_nothing_and_a_leader_at_once(desk: Desk) -> None:
    leads = False
    desk.sealing.begin_only_while(lambda: leads)
    running = asyncio.create_task(desk.sealing.run())
    desk.sealing.resume()
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.maps.asked == []

    leads = True
    desk.sealing.resume()
    await until(lambda: desk.sealing.newest() is not None)
    running.cancel()


async def test_whoever_meets_a_retired_key_lets_it_be_published_at_once(desk: Desk) -> None:
    running = asyncio.create_task(desk.sealing.run())
    await until(lambda: desk.sealing.newest() is not None)
    first = desk.newest[0]
    desk.retire(1)
    await desk.sealing.private_half(first)
    await until(lambda: (newest := desk.sealing.newest()) is not None and newest.kid != first)

    published = desk.maps.keys()
    assert published is not None
    assert [(key.slot, key.retired) for key in published.keys] == [(2, False), (1, True)]
    running.cancel()


async def test_pauses_are_an_hour_at_most_and_a_tenth_of_a_short_period(desk: Desk) -> None:
    assert 0.9 * LOOK_SECONDS <= await desk.sealing.look() <= LOOK_SECONDS
    desk.sealing.period = timedelta(minutes=1)
    assert 5.4 <= await desk.sealing.look() <= 6
