"""`controller/work_queue.py`: each credential once, one worker at a time for each, namespaces in turn."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller import work_queue as work_queue_module
from sshcredential_operator.controller.work_queue import (
    BACKOFF_FIRST,
    BACKOFF_MOST,
    KEY_PLACES,
    KEY_SHARE,
    TIMER_MOST,
    WORKERS,
    WorkQueue,
)
from unit.controller.objects import GENOMICS, PHYSICS, key

A, B, C, D = key("aa"), key("bb"), key("cc"), key("dd")
IN_PHYSICS = key("aa", PHYSICS)


def names(*keys: CredentialKey) -> list[tuple[str, str]]:
    return [(found.namespace, found.name) for found in keys]


async def taken(queue: WorkQueue, count: int) -> list[CredentialKey]:
    """Take so many, and leave them running."""
    async with asyncio.timeout(20):
        return [await queue.get() for _ in range(count)]


def delay(queue: WorkQueue, of: CredentialKey) -> float:
    """Return in how many seconds its timer rings."""
    return queue._timers[of].when() - asyncio.get_running_loop().time()


@pytest.fixture
async def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's clock stands still, so that a slow machine changes no delay."""
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)


def is_asleep(task: asyncio.Task) -> bool:
    return not task.done()


async def turn_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


# --- each at most once


async def test_who_asks_twice_is_taken_once() -> None:
    queue = WorkQueue(share=4)
    queue.add(A)
    queue.add(A)

    assert len(queue) == 1
    assert await taken(queue, 1) == [A]
    assert len(queue) == 0


async def test_the_order_is_the_order_of_asking() -> None:
    queue = WorkQueue(share=4)
    for one in (C, A, B, A):
        queue.add(one)

    assert await taken(queue, 3) == [C, A, B]


async def test_who_asks_during_his_own_pass_gets_one_more_after_it() -> None:
    queue = WorkQueue(share=4)
    queue.add(A)
    await taken(queue, 1)
    queue.add(A)
    queue.add(A)
    assert len(queue) == 0

    queue.done(A)
    assert len(queue) == 1
    assert await taken(queue, 1) == [A]
    queue.done(A)
    assert len(queue) == 0


async def test_a_worker_that_waits_is_woken() -> None:
    queue = WorkQueue(share=4)
    waiting = asyncio.create_task(queue.get())
    await turn_the_loop()
    assert is_asleep(waiting)

    queue.add(A)
    async with asyncio.timeout(20):
        assert await waiting == A


async def test_a_worker_that_was_cancelled_while_it_waited_takes_nobodys_turn() -> None:
    queue = WorkQueue(share=4)
    gone, waiting = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await turn_the_loop()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    queue.add(A)
    async with asyncio.timeout(20):
        assert await waiting == A


# --- namespaces in turn


async def test_namespaces_are_served_in_turn() -> None:
    queue = WorkQueue(share=10)
    for one in (A, B, C, IN_PHYSICS, key("bb", PHYSICS)):
        queue.add(one)

    assert names(*await taken(queue, 5)) == [
        (GENOMICS, "aa"),
        (PHYSICS, "aa"),
        (GENOMICS, "bb"),
        (PHYSICS, "bb"),
        (GENOMICS, "cc"),
    ]


async def test_one_namespace_does_not_take_more_than_its_share() -> None:
    queue = WorkQueue(share=2)
    for one in (A, B, C, D, IN_PHYSICS):
        queue.add(one)

    assert names(*await taken(queue, 3)) == names(A, IN_PHYSICS, B)
    waiting = asyncio.create_task(queue.get())
    await turn_the_loop()
    assert is_asleep(waiting)

    queue.done(IN_PHYSICS)
    await turn_the_loop()
    assert is_asleep(waiting)
    queue.done(A)
    async with asyncio.timeout(20):
        assert await waiting == C


async def test_a_flood_of_one_namespace_lets_another_in_at_once() -> None:
    queue = WorkQueue(share=3)
    for number in range(1000):
        queue.add(key(f"name-{number}"))
    await taken(queue, 3)
    queue.add(IN_PHYSICS)

    assert await taken(queue, 1) == [IN_PHYSICS]


async def test_no_more_run_at_once_than_there_are_workers() -> None:
    queue = WorkQueue()
    for number in range(10):
        for namespace in ("one", "two", "three"):
            queue.add(key(f"name-{number}", Namespace(namespace)))
    await taken(queue, WORKERS)

    assert queue._next() is None


# --- places for work on keys


async def sent_for_a_place(queue: WorkQueue, *keys: CredentialKey) -> None:
    """Make for each the pass that finds out that it needs a place."""
    for one in keys:
        queue.add(one)
        assert await taken(queue, 1) == [one]
        assert not queue.has_place(one)
        queue.add_for_key_work(one)
        queue.done(one)


async def test_who_needs_a_place_gets_a_pass_that_has_one() -> None:
    queue = WorkQueue(share=4)
    queue.add(A)
    await taken(queue, 1)
    queue.add_for_key_work(A)
    queue.add(A)
    assert len(queue) == 0
    queue.done(A)

    assert len(queue) == 1
    assert await taken(queue, 1) == [A]
    assert queue.has_place(A)
    queue.done(A)
    assert (queue.has_place(A), len(queue)) == (False, 0)


async def test_places_are_given_by_turns_and_never_all_to_one_namespace() -> None:
    queue = WorkQueue(share=4)
    await sent_for_a_place(queue, A, B, C, IN_PHYSICS, key("bb", PHYSICS))

    assert names(*await taken(queue, KEY_PLACES)) == names(A, IN_PHYSICS, B)
    assert queue._next() is None
    queue.done(IN_PHYSICS)
    assert names(*await taken(queue, 1)) == [(PHYSICS, "bb")]


async def test_who_waits_for_a_place_and_is_asked_for_is_looked_at_without_one() -> None:
    queue = WorkQueue(share=4)
    await sent_for_a_place(queue, A, B, C)
    assert await taken(queue, KEY_SHARE) == [A, B]
    queue.add(C)
    queue.add(C)

    assert len(queue) == 1
    assert await taken(queue, 1) == [C]
    assert not queue.has_place(C)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_is_asked_and_done_in_whatever_order_everybody_is_served_and_no_rule_is_broken(
    data: st.DataObject,
) -> None:
    share = data.draw(st.integers(1, 3))
    keys = [key(name, Namespace(namespace)) for namespace in ("one", "two", "three") for name in ("aa", "bb", "cc")]
    queue, running, wanted = WorkQueue(share=share), list[CredentialKey](), set[CredentialKey]()
    for _ in range(data.draw(st.integers(0, 60))):
        step = data.draw(st.sampled_from(["add", "take", "ask for a place", "done"]))
        if step == "add":
            asked = data.draw(st.sampled_from(keys))
            queue.add(asked)
            wanted.add(asked)
        elif step == "take" and (found := queue._next()):
            assert found not in running
            running.append(found)
            wanted.discard(found)
        elif step == "ask for a place" and running:
            queue.add_for_key_work(running[-1])
            wanted.add(running[-1])
        elif step == "done" and running:
            queue.done(running.pop(data.draw(st.integers(0, len(running) - 1))))
        at_work = [found for found in running if queue.has_place(found)]
        assert len(at_work) <= KEY_PLACES
        for namespace in ("one", "two", "three"):
            assert sum(found.namespace == namespace for found in at_work) <= KEY_SHARE
            assert sum(found.namespace == namespace for found in running if found not in at_work) <= share
    _serve_all(queue, running, wanted)


def _serve_all(queue: WorkQueue, running: list[CredentialKey], wanted: set[CredentialKey]) -> None:
    while running or len(queue):
        while running:
            queue.done(running.pop())
        while found := queue._next():
            running.append(found)
            wanted.discard(found)
    assert wanted == set()
    assert queue._quick._running == queue._costly._running == {}
    assert queue._quick._waiting == queue._costly._waiting == {}
    assert queue._running == {}


# --- timers and backoff


async def test_a_timer_asks_when_it_is_due() -> None:
    queue = WorkQueue(share=4)
    queue.add_later(A, 0.001)
    assert len(queue) == 0

    assert await taken(queue, 1) == [A]
    assert queue._timers == {}


@pytest.mark.usefixtures("stopped_clock")
async def test_the_earlier_of_two_timers_stays() -> None:
    queue = WorkQueue(share=4)
    queue.add_later(A, 100)
    queue.add_later(A, 50)
    queue.add_later(A, 200)

    assert delay(queue, A) == pytest.approx(50)
    queue.close()


@pytest.mark.usefixtures("stopped_clock")
async def test_a_far_date_is_looked_at_every_hour() -> None:
    queue = WorkQueue(share=4)
    queue.add_later(A, 10_000_000)

    assert delay(queue, A) == pytest.approx(TIMER_MOST) == 3600
    queue.close()


async def test_a_date_that_has_passed_is_due_now() -> None:
    queue = WorkQueue(share=4)
    queue.add_later(A, -5)

    assert await taken(queue, 1) == [A]


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0], ids=["least", "middle", "most"])
async def test_each_failure_doubles_the_wait_between_bounds(jitter: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, most: least + (most - least) * jitter)
    queue, waits = WorkQueue(share=4), []
    for _ in range(30):
        queue.add_after_failure(A)
        waits.append(delay(queue, A))
        queue._timers.pop(A).cancel()
    ceilings = [min(BACKOFF_MOST, BACKOFF_FIRST * 2**number) for number in range(30)]
    expected = [ceiling / 2 * (1 + jitter) for ceiling in ceilings]

    assert waits == pytest.approx(expected)
    assert max(ceilings) == 5
    assert queue.failures(A) == 30


@pytest.mark.usefixtures("stopped_clock")
async def test_the_waits_of_many_are_spread() -> None:
    queue, keys = WorkQueue(share=4), [key(f"name-{number}") for number in range(200)]
    for one in keys:
        queue.add_after_failure(one)
    waits = [delay(queue, one) for one in keys]

    assert min(waits) < 0.06
    assert max(waits) > 0.09
    assert all(BACKOFF_FIRST / 2 <= wait <= BACKOFF_FIRST * 1.001 for wait in waits)
    queue.close()


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        pytest.param(None, 0.05, 0.1, id="the server asked for nothing"),
        pytest.param(7, 7, 7, id="the server asked for 7 seconds"),
        pytest.param(0.01, 0.05, 0.1, id="the server asked for less than the backoff"),
        pytest.param(3600, 60, 60, id="the server asked for an hour"),
    ],
)
async def test_the_server_may_ask_for_a_longer_wait(asked: float | None, least: float, most: float) -> None:
    queue = WorkQueue(share=4)
    queue.add_after_failure(A, asked)

    assert least * 0.999 <= delay(queue, A) <= most * 1.001
    queue.close()


async def test_a_success_forgets_the_failures() -> None:
    queue = WorkQueue(share=4)
    assert queue.failures(A) == 0
    queue.add_after_failure(A)
    queue.add_after_failure(A)
    assert queue.failures(A) == 2

    queue.succeeded(A)
    assert queue.failures(A) == 0
    assert queue._failures == {}
    queue.close()


async def test_one_who_fails_again_and_again_delays_nobody() -> None:
    queue = WorkQueue(share=1)
    queue.add_after_failure(A)
    queue.add(B)

    assert await taken(queue, 1) == [B]
    queue.close()


# --- the end


async def test_a_closed_queue_hands_out_nothing_and_its_timers_are_silent() -> None:
    queue = WorkQueue(share=4)
    queue.add(A)
    queue.add_later(B, 0.001)
    [timer] = queue._timers.values()
    queue.close()
    waiting = asyncio.create_task(queue.get())
    await turn_the_loop()

    assert is_asleep(waiting)
    assert timer.cancelled()
    waiting.cancel()


async def test_idle_waits_for_the_passes_that_run() -> None:
    queue = WorkQueue(share=4)
    for one in (A, B):
        queue.add(one)
    await taken(queue, 2)
    idle = asyncio.create_task(queue.idle())
    queue.done(A)
    await turn_the_loop()
    assert is_asleep(idle)

    queue.done(B)
    async with asyncio.timeout(20):
        await idle


async def test_idle_is_at_once_where_nothing_runs() -> None:
    async with asyncio.timeout(20):
        await WorkQueue(share=4).idle()


# --- what metrics read


async def test_who_waits_for_a_place_grows_old_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(work_queue_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    queue = WorkQueue(share=4)
    await sent_for_a_place(queue, A)
    clock.now = 104.0

    assert (len(queue), queue.age) == (1, 4.0)
    queue.add(A)
    assert (len(queue), queue.age) == (1, 4.0)


async def test_the_age_is_that_of_who_waits_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(work_queue_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    queue = WorkQueue(share=4)
    assert queue.age == 0
    queue.add(A)
    clock.now = 103.0
    queue.add(IN_PHYSICS)
    clock.now = 105.0

    assert (len(queue), queue.age) == (2, 5.0)
    await taken(queue, 1)
    assert (len(queue), queue.age) == (1, 2.0)
    await taken(queue, 1)
    assert (len(queue), queue.age) == (0, 0.0)
