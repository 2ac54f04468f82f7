"""`controller/rewrapping.py`: who is under an old key gets one turn, in time and only while this replica leads."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller import rewrapping
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.credential_secret import Unreadability, Unreadable
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.reconcile.observed import Foreign, Stored, Unopened
from unit.controller.objects import GENOMICS, PHYSICS, key, secret
from unit.encryption.samples import OTHER_UID, RECORD
from unit.encryption.whole_ring import UIDS, whole_ring

UID = UIDS["genomics"]


class Desk:
    """A workspace whose key was replaced, and who gives turns."""

    def __init__(self, ring: Keyring, old: Kek, new: Kek) -> None:
        self.ring, self.old, self.new = ring, old, new
        self.store, self.queue = Store(), WorkQueue[CredentialKey]()
        self.rewrapping = Rewrapping(self.store, self.queue, ring, rate=1e6)
        self.rewrapping.begin_only_while(self.permitted)
        self.leads: Callable[[], bool] = lambda: True
        self.looks = 0

    def see(self, name: str, kid: str, version: int = 1, *, mixed: bool = False, of: Namespace = GENOMICS) -> None:
        self.store.remember_secret(key(name, of), Stored("uid", str(version), RECORD, kid, mixed=mixed))

    def permitted(self) -> bool:
        self.looks += 1
        return self.leads()

    def outdated(self) -> set[str]:
        return {one.name for one, _, _ in self.rewrapping.outdated()}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrapping, "LOOK_SECONDS", 0.001)


@pytest.fixture
async def desk() -> Desk:
    whole = await whole_ring()
    old = whole.keks["genomics"]
    new = await whole.ring.make_next("genomics", UID, old.kid)
    assert new
    return Desk(whole.ring, old, new)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.rewrapping.run())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def turns(desk: Desk) -> list[Rewrap | None]:
    return [desk.rewrapping.wanted(key(f"held-{number}")) for number in range(5)]


async def until(desk: Desk, done: int) -> None:
    async with asyncio.timeout(20):
        while desk.rewrapping.done < done:
            await asyncio.sleep(0)


async def looked(desk: Desk, times: int = 5) -> None:
    """Wait until it has looked a few times more."""
    enough = desk.looks + times
    async with asyncio.timeout(20):
        while desk.looks < enough:
            await asyncio.sleep(0)


async def test_who_is_under_an_old_key_or_under_two_is_outdated_and_nobody_else(desk: Desk) -> None:
    desk.see("old", desk.old.kid)
    desk.see("new", desk.new.kid)
    desk.see("mixed", desk.new.kid, mixed=True)
    desk.see("of-another", desk.old.kid, of=PHYSICS)
    desk.store.remember_secret(key("raw"), secret(1))
    desk.store.remember_secret(key("foreign"), Foreign("1"))
    desk.store.remember_secret(key("shut"), Unopened("u", "1", Unreadable(Unreadability.UNKNOWN_KID, desk.old.kid)))
    assert desk.outdated() == {"old", "mixed"}
    assert all(kek == desk.new for _, _, kek in desk.rewrapping.outdated())
    assert desk.rewrapping.pending() == Counter({GENOMICS: 2})


async def test_a_workspace_of_one_key_has_nobody_outdated() -> None:
    whole = await whole_ring()
    desk = Desk(whole.ring, whole.keks["genomics"], whole.keks["genomics"])
    desk.see("old", desk.old.kid)
    desk.see("mixed", desk.old.kid, mixed=True)
    assert desk.outdated() == set()


async def test_a_key_bound_to_a_namespace_made_anew_is_old_there() -> None:
    whole = await whole_ring()
    old = whole.keks["genomics"]
    new = await whole.ring.kek_for_writing("genomics", OTHER_UID)
    stored = next(one for one in whole.ring.documents if one.kek == old)
    assert new
    desk = Desk(whole.ring, old, new)
    desk.see("held", old.kid)
    assert desk.outdated() == set()
    whole.ring.learn(stored._replace(rebound_to=OTHER_UID))
    assert [(one.name, kek) for one, _, kek in desk.rewrapping.outdated()] == [("held", new)]


async def test_each_gets_one_turn_for_its_revision_and_the_newest_key(desk: Desk) -> None:
    for number in range(5):
        desk.see(f"held-{number}", desk.old.kid)
    async with running(desk):
        await until(desk, 5)
        await looked(desk)
        assert desk.rewrapping.done == 5
        assert turns(desk) == [Rewrap(desk.new)] * 5
        assert desk.rewrapping.wanted(key("another")) is None

        desk.see("held-0", desk.old.kid, 2)  # somebody has put an old one back
        await until(desk, 6)
        newer = await desk.ring.make_next("genomics", UID, desk.new.kid)
        assert newer
        await until(desk, 11)
        assert turns(desk) == [Rewrap(newer)] * 5


async def test_who_could_not_use_a_turn_gets_another_one_later_and_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its write was refused, and nothing has changed that would tell of it."""
    now = 1000.0
    monkeypatch.setattr(rewrapping, "time", SimpleNamespace(monotonic=lambda: now))
    desk.see("held", desk.old.kid)
    async with running(desk):
        for done, seconds in enumerate((0, 5, 10, 20), 1):
            await looked(desk)
            assert desk.rewrapping.done == done - 1 or not seconds
            now += seconds
            await until(desk, done)
            await looked(desk)
            assert desk.rewrapping.done == done  # it waits in the queue, however long
            desk.queue.done(await desk.queue.get())


async def test_who_is_through_loses_the_turn(desk: Desk) -> None:
    desk.see("held", desk.old.kid)
    async with running(desk):
        await until(desk, 1)
        desk.see("held", desk.new.kid, 2)
        await looked(desk)
        assert desk.rewrapping.wanted(key("held")) is None


async def test_who_comes_back_under_the_same_old_key_and_revision_gets_another_turn_when_all_were_through(
    desk: Desk,
) -> None:
    desk.see("held", desk.old.kid)
    async with running(desk):
        await until(desk, 1)
        desk.leads = lambda: False
        await looked(desk)
        assert desk.rewrapping.wanted(key("held")) is None
        desk.leads = lambda: True
        await until(desk, 2)


async def test_data_keys_are_new_where_that_was_asked_before_the_turn(desk: Desk) -> None:
    desk.rewrapping.re_encrypted = frozenset({GENOMICS})
    desk.see("held", desk.old.kid)
    async with running(desk):
        await until(desk, 1)
        assert desk.rewrapping.wanted(key("held")) == Rewrap(desk.new, re_encrypt=True)
        desk.rewrapping.re_encrypted = frozenset({PHYSICS})
        desk.see("late", desk.old.kid)
        await until(desk, 2)
        assert desk.rewrapping.wanted(key("late")) == Rewrap(desk.new)


async def test_nobody_gets_a_turn_while_another_replica_leads(desk: Desk) -> None:
    desk.leads = lambda: False
    desk.see("held", desk.old.kid)
    async with running(desk):
        await looked(desk)
        assert (desk.rewrapping.done, desk.rewrapping.wanted(key("held"))) == (0, None)


async def test_turns_end_in_the_middle_when_another_replica_leads(desk: Desk) -> None:
    for number in range(20):
        desk.see(f"held-{number}", desk.old.kid)
    desk.leads = lambda: desk.rewrapping.done < 3
    async with running(desk):
        await until(desk, 3)
        await looked(desk)
        assert desk.rewrapping.done == 3


async def test_turns_come_at_the_rate_that_was_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = list[float]()
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    slow = Rewrapping(desk.store, desk.queue, desk.ring, rate=4)
    desk.rewrapping = slow
    for number in range(3):
        desk.see(f"held-{number}", desk.old.kid)
    monkeypatch.setattr(rewrapping.asyncio, "sleep", noted)  # type: ignore[attr-defined]  # the module that it imports
    async with running(desk):
        while slow.done < 3 or len(pauses) < 4:
            await sleep(0)
    assert pauses[:4] == [0.25, 0.25, 0.25, 0.001]


async def test_a_workspace_is_through_when_all_was_listed_opened_and_is_under_the_newest_key(desk: Desk) -> None:
    through = desk.rewrapping.is_through
    assert not through(GENOMICS)
    for kind in (Kind.CREDENTIALS, Kind.SECRETS):
        desk.store.listed(kind, None, (), frozenset())
    assert through(GENOMICS)
    desk.store.saw_secret(key("held"), secret(1), deleted=False)
    assert not through(GENOMICS)
    desk.see("held", desk.old.kid, 2)
    assert not through(GENOMICS)
    assert through(PHYSICS)
    desk.see("held", desk.new.kid, 3)
    assert through(GENOMICS)


async def test_a_workspace_that_was_listed_alone_is_through(desk: Desk) -> None:
    for kind in (Kind.CREDENTIALS, Kind.SECRETS):
        desk.store.listed(kind, GENOMICS, (), frozenset())
    assert desk.rewrapping.is_through(GENOMICS)
    assert not desk.rewrapping.is_through(PHYSICS)


async def test_secrets_whose_key_is_gone_are_looked_at_again_and_others_are_left(desk: Desk) -> None:
    desk.see("held", desk.new.kid)
    desk.see("lost", "1.000000010000.0000000000000000")
    desk.see("elsewhere", "1.000000010000.0000000000000000", of=PHYSICS)
    desk.rewrapping.reopen(GENOMICS, UID)
    assert isinstance(desk.store.secret(key("held")), Stored)
    lost = desk.store.secret(key("lost"))
    assert isinstance(lost, Unopened)
    assert lost.why == Unreadable(Unreadability.UNKNOWN_KID, "1.000000010000.0000000000000000")
    assert isinstance(desk.store.secret(key("elsewhere", PHYSICS)), Stored)
    assert await desk.queue.get() == key("lost")
