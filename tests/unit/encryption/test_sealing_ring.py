"""`encryption/sealing_ring.py`: which keys are there, when another is due, and what opens nothing and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sshcredential_operator.api.names import RETIRED_ANNOTATION
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_rotation import move_all
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    new_sealing_key,
    sealing_key_secret_name,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import SealingKey, SealingKeys
from sshcredential_operator.encryption.sealing_ring import RootNotStored, SealingRing, Unopened, is_due
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import OTHER_ROOT

NOW = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
MONTH = timedelta(hours=720)


class Desk:
    """A ring that is open, and what lies in its cluster."""

    def __init__(self, cluster: Cluster, keyring: Keyring, ring: SealingRing) -> None:
        self.cluster, self.keyring, self.ring = cluster, keyring, ring

    async def make(self, slot: int) -> SealingKey:
        made = await self.ring.make(slot, NOW)
        assert made is not None
        return made

    def annotate(self, slot: int, word: str) -> None:
        name = sealing_key_secret_name(slot)
        self.cluster.secrets[name] = replace(self.cluster.secrets[name], annotations={RETIRED_ANNOTATION: word})

    def put(self, slot: int, data: bytes, *, type_: str = SEALING_KEY_SECRET_TYPE) -> None:
        self.cluster.put(sealing_key_secret_name(slot), type_, {SEALING_KEY_DATA_KEY: data})

    def data(self, slot: int) -> bytes:
        return self.cluster.secrets[sealing_key_secret_name(slot)].data[SEALING_KEY_DATA_KEY]


@pytest.fixture
async def desk() -> Desk:
    cluster = Cluster()
    store = Store(cluster)
    keyring = Keyring(store)
    await keyring.open()
    cluster.requests.clear()
    return Desk(cluster, keyring, SealingRing(keyring, store))


async def test_a_key_is_made_by_one_post_and_only_where_none_is(desk: Desk) -> None:
    made = await desk.make(1)
    look = ("get", ROOT_SECRET_NAME)  # before and after: the root key may have been replaced meanwhile
    assert desk.cluster.requests == [look, ("create", sealing_key_secret_name(1)), look]
    before = desk.data(1)
    assert await desk.ring.make(1, NOW) is None
    assert desk.data(1) == before
    assert (await desk.ring.look()).keys == SealingKeys((made,))


@pytest.mark.parametrize("instead", [None, "another"], ids=["gone", "replaced"])
async def test_no_key_is_made_under_a_root_that_is_not_stored(desk: Desk, instead: str | None) -> None:
    del desk.cluster.secrets[ROOT_SECRET_NAME]
    if instead:
        other = Cluster()
        await Keyring(Store(other)).open()
        desk.cluster.secrets[ROOT_SECRET_NAME] = other.secrets[ROOT_SECRET_NAME]
    with pytest.raises(RootNotStored):
        await desk.ring.make(1, NOW)
    assert desk.cluster.of_type(SEALING_KEY_SECRET_TYPE) == []


async def test_a_look_costs_one_list_and_shows_the_newest_first(desk: Desk) -> None:
    made = [await desk.make(slot) for slot in (2, 10, 9)]
    desk.cluster.requests.clear()
    look = await desk.ring.look()
    assert desk.cluster.requests == [("list", SEALING_KEY_SECRET_TYPE)]
    assert look.keys == SealingKeys((made[1], made[2], made[0]))
    assert (look.unopened, look.next_slot) == ((), 11)


async def test_a_private_half_is_read_anew_each_time(desk: Desk) -> None:
    made = await desk.make(1)
    desk.cluster.requests.clear()
    halves = [await desk.ring.private_half(made.kid) for _ in range(2)]
    assert desk.cluster.requests == [("get", sealing_key_secret_name(1))] * 2
    assert isinstance(halves[0], Sensitive)
    assert halves[0] == halves[1]


async def test_no_private_half_stays_in_the_ring(desk: Desk) -> None:
    made = await desk.make(1)
    await desk.ring.private_half(made.kid)
    await desk.ring.look()
    assert vars(desk.ring).keys() == {"_ring", "_store", "_opened"}
    assert desk.ring._opened == {desk.data(1)}


@pytest.mark.parametrize(("word", "retired"), [("true", True), ("yes", True), ("", True), ("false", False)])
async def test_a_person_retires_a_key(desk: Desk, word: str, retired: bool) -> None:
    made = await desk.make(1)
    desk.annotate(1, word)
    assert (await desk.ring.look()).keys == SealingKeys((made._replace(retired=retired),))
    assert (await desk.ring.private_half(made.kid) is Unopened.RETIRED) is retired


async def test_a_key_that_is_gone_or_was_replaced_is_unknown(desk: Desk) -> None:
    made = await desk.make(1)
    del desk.cluster.secrets[sealing_key_secret_name(1)]
    assert await desk.ring.private_half(made.kid) is Unopened.UNKNOWN
    await desk.make(1)
    assert await desk.ring.private_half(made.kid) is Unopened.UNKNOWN


@pytest.mark.parametrize("kid", ["", "1", "../../secrets", "0." + "A" * 43, "1." + "A" * 42, "1." + "A" * 43 + "\n"])
async def test_what_is_no_kid_costs_no_request(desk: Desk, kid: str) -> None:
    assert await desk.ring.private_half(kid) is Unopened.UNKNOWN
    assert desk.cluster.requests == []


async def test_a_key_under_another_root_is_not_called_unknown(desk: Desk) -> None:
    key = new_sealing_key(4, NOW)
    desk.put(4, wrap_sealing_key(key, OTHER_ROOT, RootSource.SECRET).to_bytes())
    assert await desk.ring.private_half(key.kid) is Unopened.ROOT_MISSING
    look = await desk.ring.look()
    assert (look.keys, look.unopened, look.next_slot) == (SealingKeys(), (sealing_key_secret_name(4),), 5)


async def test_a_replica_that_has_not_heard_of_a_newer_root_opens_what_another_has_wrapped_by_it(desk: Desk) -> None:
    """Else it would take all sealing keys for lost when it begins to lead, make another, and publish that one alone."""
    made = await desk.make(1)
    other = Store(desk.cluster)
    replica = Keyring(other)
    await replica.open()
    root = RootInSecret(other)
    assert await root.put_new_key_before(replica.roots.writing.id.key_id)
    await replica.refresh()
    await move_all(other, replica.roots, no_pause)

    look = await desk.ring.look()

    assert (look.keys, look.unopened) == (SealingKeys((made,)), ())
    desk.cluster.requests.clear()
    await desk.ring.look()
    assert desk.cluster.requests == [("list", SEALING_KEY_SECRET_TYPE)]


async def no_pause() -> None:
    pass


async def test_a_retired_key_is_retired_whatever_its_root(desk: Desk) -> None:
    key = new_sealing_key(4, NOW)
    desk.put(4, wrap_sealing_key(key, OTHER_ROOT, RootSource.SECRET).to_bytes())
    desk.annotate(4, "true")
    assert await desk.ring.private_half(key.kid) is Unopened.RETIRED


async def test_a_damaged_key_is_neither_published_nor_opened_nor_overwritten(desk: Desk) -> None:
    made = await desk.make(1)
    whole = desk.data(1)
    for spoilt in (whole[:-1], whole.replace(b'"createdAt":"2026', b'"createdAt":"2027'), b""):
        desk.put(1, spoilt)
        assert await desk.ring.private_half(made.kid) is Unopened.UNKNOWN
        assert (await desk.ring.look()).keys == SealingKeys()
        assert await desk.ring.make(1, NOW) is None
        assert desk.data(1) == spoilt


async def test_two_documents_that_changed_places_do_not_open(desk: Desk) -> None:
    first, second = await desk.make(1), await desk.make(2)
    one, two = desk.data(1), desk.data(2)
    desk.put(1, two)
    desk.put(2, one)
    assert [await desk.ring.private_half(key.kid) for key in (first, second)] == [Unopened.UNKNOWN] * 2
    assert len((await desk.ring.look()).unopened) == 2


def keys(*ages: timedelta, retired: tuple[int, ...] = ()) -> SealingKeys:
    """Return keys of these ages, the newest first; `retired` counts from there."""
    made = [SealingKey(f"{len(ages) - n}.x", "x", NOW - age, retired=n in retired) for n, age in enumerate(ages)]
    return SealingKeys(tuple(made))


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("present", "due"),
    [
        pytest.param(keys(), True, id="there is none"),
        pytest.param(keys(HOUR), False, id="a young one"),
        pytest.param(keys(MONTH - HOUR), False, id="an hour before"),
        pytest.param(keys(MONTH), True, id="a period old"),
        pytest.param(keys(HOUR, MONTH * 3), False, id="old ones beside a young one"),
        pytest.param(keys(HOUR, retired=(0,)), True, id="the latest is retired"),
        pytest.param(keys(HOUR, MONTH, retired=(1,)), False, id="an older one is retired"),
        pytest.param(keys(-HOUR), False, id="made by a clock that is an hour ahead"),
        pytest.param(keys(-DAY * 2), True, id="made by a clock that was two days ahead"),
        pytest.param(keys(HOUR, -DAY * 900), False, id="and one that was made after it"),
    ],
)
def test_another_key_is_due_when(present: SealingKeys, due: bool) -> None:
    assert is_due(present, MONTH, NOW) is due
