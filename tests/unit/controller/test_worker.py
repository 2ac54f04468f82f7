"""`controller/worker.py`: real workers and a real queue, on the server in memory."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.controller.during import current
from sshcredential_operator.controller.logs import of_which_pass
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.work_queue import KEY_PLACES, KEY_SHARE, WORKERS, WorkQueue
from sshcredential_operator.controller.worker import work
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.objects import key
from unit.reconcile.operator_memory import Operator, unavailable
from unit.reconcile.ports_memory import Keys
from unit.reconcile.samples import KEY
from unit.reconcile.server_memory import Server

SECRET = "test-only-secret-value"


class Panic(BaseException):
    """As a library's panic: no Exception, and its text quotes what it worked on."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)


class KeysInPlaces(Keys):
    """The queue says who has a place, as in the product; an RSA key takes until the end of the test."""

    def __init__(self, queue: WorkQueue) -> None:
        super().__init__()
        self.queue, self.at_work = queue, 0

    def has_place(self, key: CredentialKey) -> bool:
        return self.queue.has_place(key)

    async def generate(self, wanted: Generate) -> tuple[KeyPair, Sensitive | None]:
        if wanted.bits > 1000:
            self.at_work += 1
            await asyncio.Event().wait()
        return await super().generate(wanted)


class Team:
    """Some workers over one operator's memory."""

    def __init__(self, server: Server, size: int) -> None:
        self.server, self.operator = server, Operator(server)
        self.queue = WorkQueue[CredentialKey]()
        self.metrics = Metrics(self.operator.store, self.queue)
        self.keys = KeysInPlaces(self.queue)
        self.operator.world = replace(self.operator.world, keys=self.keys)
        self.tasks = [asyncio.create_task(work(self.queue, self.operator.world, self.metrics)) for _ in range(size)]

    def results(self) -> dict[str, float]:
        [family] = self.metrics._passes.collect()
        return {s.labels["result"]: s.value for s in family.samples if s.name.endswith("_total")}

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.001)
                assert not any(task.done() for task in self.tasks)


@asynccontextmanager
async def team(server: Server, size: int = 2) -> AsyncIterator[Team]:
    made = Team(server, size)
    try:
        yield made
    finally:
        made.queue.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


async def test_who_is_in_the_queue_becomes_ready() -> None:
    server, names = Server(), [key(f"name-{number}") for number in range(40)]
    for name in names:
        server.apply({"generate": {}}, name)
    async with team(server, WORKERS) as workers:
        for name in names:
            workers.queue.add(name)
        await workers.until(lambda: all(server.reason(name) == "Available" for name in names))
        await workers.until(lambda: len(workers.queue._running) == 0)

        assert workers.results() == {"Available": 40}
        assert len(server.secrets) == 40


async def test_passes_that_ask_for_nothing_leave_everybody_else_a_turn() -> None:
    server, names = Server(), [key(f"name-{number}") for number in range(40)]
    for name in names:
        server.apply({"generate": {}}, name)
    async with team(server) as workers:
        for name in names:
            workers.queue.add(name)
        await workers.until(lambda: all(server.reason(name) == "Available" for name in names))
        await workers.until(lambda: not workers.queue._running and not len(workers.queue))
        for name in names:
            workers.queue.add(name)
        turns = 0
        while len(workers.queue):
            await asyncio.sleep(0)
            turns += 1

    assert turns >= len(names) // 2


async def test_who_works_on_keys_for_long_takes_the_turn_of_nobody_else() -> None:
    server = Server()
    floods = [Namespace(name) for name in ("one", "two", "three", "four")]
    slow = [key(f"name-{number}", namespace) for namespace in floods for number in range(30)]
    for name in slow:
        server.apply({"generate": {"algorithm": "RSA"}}, name)
    quick = [key("quick", namespace) for namespace in (*floods, Namespace("five"))]
    for name in quick:
        server.apply({"generate": {}}, name)
    async with team(server, WORKERS + KEY_PLACES) as workers:
        for name in slow:
            workers.queue.add(name)
        await workers.until(lambda: len(workers.queue) == len(slow) - KEY_PLACES)
        for name in quick:
            workers.queue.add(name)

        await workers.until(lambda: all(server.reason(name) == "Available" for name in quick))
        assert len(workers.queue._running) == KEY_PLACES
        assert not server.secrets.keys() & {(name.namespace, name.secret_name) for name in slow}


async def test_one_namespace_full_of_work_on_keys_leaves_a_place_for_another() -> None:
    server, other = Server(), key("name", Namespace("another"))
    flood = [key(f"name-{number}") for number in range(50)]
    for name in (*flood, other):
        server.apply({"generate": {"algorithm": "RSA"}}, name)
    async with team(server, WORKERS + KEY_PLACES) as workers:
        for name in flood:
            workers.queue.add(name)
        await workers.until(lambda: workers.keys.at_work == KEY_SHARE and len(workers.queue) == len(flood) - KEY_SHARE)
        workers.queue.add(other)

        await workers.until(lambda: workers.keys.at_work == KEY_SHARE + 1)
        assert other in workers.queue._running


async def test_who_waits_for_a_place_is_looked_at_when_he_needs_none_any_more() -> None:
    server = Server()
    flood = [key(f"name-{number}") for number in range(KEY_SHARE + 3)]
    for name in flood:
        server.apply({"generate": {"algorithm": "RSA"}}, name)
    async with team(server, WORKERS + KEY_PLACES) as workers:
        for name in flood:
            workers.queue.add(name)
        await workers.until(lambda: len(workers.queue) == 3)
        server.apply({"generate": {"algorithm": "Ed25519"}}, flood[-1])
        workers.operator.catch_up()
        workers.queue.add(flood[-1])

        await workers.until(lambda: server.reason(flood[-1]) == "Available")


@pytest.mark.parametrize(
    ("error", "result"),
    [
        pytest.param(unavailable(), "ServerUnavailable", id="trouble of the server"),
        pytest.param(TroubleError(Reason.FORBIDDEN, {"verb": "create", "resource": "secrets"}), "Forbidden", id="403"),
        pytest.param(ValueError(SECRET), "error", id="a library's error"),
        pytest.param(Panic(SECRET), "error", id="a library's panic"),
        pytest.param(asyncio.CancelledError(SECRET), "cancelled", id="the end of something that was waited for"),
        pytest.param(SystemExit(1), "cancelled", id="a library that wants to end the process"),
    ],
)
@pytest.mark.parametrize("call", range(3))
async def test_whatever_a_pass_runs_into_it_is_tried_again_and_no_worker_ends(
    error: Exception, result: str, call: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    server.apply({"generate": {}})
    async with team(server, 1) as workers:
        server.fault_before[call] = error
        workers.queue.add(KEY)
        await workers.until(lambda: server.reason() == "Available")
        await workers.until(lambda: len(workers.queue._running) == 0)

        assert workers.results().keys() - {"Available", "trouble"} <= {result}
        assert workers.queue.failures(KEY) == 0
    assert SECRET not in caplog.text
    assert server.writes.count("create secret") == 1


async def test_a_worker_that_is_cancelled_ends_and_leaves_the_place_free() -> None:
    server, held = Server(), asyncio.Event()
    server.apply({"generate": {}})

    async def hold() -> None:
        held.set()
        await asyncio.Event().wait()

    server.meanwhile[0] = hold
    async with team(server, 1) as workers:
        workers.queue.add(KEY)
        await workers.until(held.is_set)
        workers.tasks[0].cancel()
        await asyncio.gather(*workers.tasks, return_exceptions=True)

        assert workers.tasks[0].cancelled()
        assert workers.queue._running == {}


async def test_a_pass_that_acted_and_has_more_to_do_follows_at_once() -> None:
    server = Server()
    server.apply({"generate": {}, "deletionGracePeriod": "0s"})
    async with team(server, 1) as workers:
        workers.queue.add(KEY)
        await workers.until(lambda: server.reason() == "Available")
        server.remove()
        workers.operator.catch_up()
        workers.queue.add(KEY)
        await workers.until(lambda: server.secret is None)

        assert workers.queue._failures == {}
        assert workers.results()["none"] == 2


async def test_a_date_is_kept_as_a_timer() -> None:
    server = Server()
    server.apply({"generate": {}})
    async with team(server, 1) as workers:
        workers.queue.add(KEY)
        await workers.until(lambda: server.reason() == "Available")
        server.remove()
        workers.operator.catch_up()
        workers.queue.add(KEY)
        await workers.until(lambda: KEY in workers.queue._timers)

        assert server.secret


# --- the log


def ends(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """Return level and facts of each pass' last line."""
    names = ("result", "act", "reported")
    records = [record for record in caplog.records if record.getMessage() == "done"]
    assert all(0 <= record.__dict__["seconds"] < 60 for record in records)
    return [(r.levelname, {name: vars(r)[name] for name in names if name in vars(r)}) for r in records]


async def test_a_pass_that_changed_anything_is_told_to_everybody_and_another_to_who_debugs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "sshcredential_operator")
    server = Server()
    server.apply({"generate": {}})
    async with team(server, 1) as workers:
        workers.queue.add(KEY)
        await workers.until(lambda: len(ends(caplog)) == 1)
        workers.operator.catch_up()
        workers.queue.add(KEY)
        await workers.until(lambda: len(ends(caplog)) == 2)
        server.apply({"generate": {"algorithm": "RSA"}})
        workers.operator.catch_up()
        workers.queue.add(KEY)
        await workers.until(lambda: len(ends(caplog)) == 3)

    assert ends(caplog) == [
        ("INFO", {"result": "Available", "act": "create", "reported": True}),
        ("DEBUG", {"result": "Available", "reported": False}),
        ("INFO", {"result": "AlgorithmChanged", "reported": True}),
    ]


async def test_whatever_is_logged_in_a_pass_knows_of_which(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sshcredential_operator")
    caplog.handler.addFilter(of_which_pass)
    server = Server()
    server.apply({"generate": {}})
    async with team(server, 1) as workers:
        server.fault_before[0] = ValueError(SECRET)
        workers.queue.add(KEY)
        await workers.until(lambda: server.reason() == "Available" and len(ends(caplog)) == 1)
    caplog.handler.removeFilter(of_which_pass)

    passes = [record.__dict__["during"] for record in caplog.records]
    assert [record.getMessage() for record in caplog.records] == ["pass failed", "done"]
    assert {one[1:] for one in passes} == {("credential", KEY.namespace, KEY.name, 1)}
    assert len({one.reconcile for one in passes}) == 2
    assert current() is None
