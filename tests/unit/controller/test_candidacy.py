"""`controller/candidacy.py`: what the election means for everything else, with a Lease over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.controller.candidacy import BEGINNING, STANDBY, Candidacy
from sshcredential_operator.controller.health import Health
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.lease_http import LeaseServer, until
from unit.controller.local_server import serving
from unit.controller.objects import key

A, B = key("aa"), key("bb")


class Desk:
    """One replica's parts, and the server with the Lease."""

    def __init__(self, server: LeaseServer, requests: Requests) -> None:
        self.server, self.requests = server, requests
        self.queue, self.health = WorkQueue[CredentialKey](share=4), Health()
        self.metrics = Metrics(Store(), self.queue, Policies())
        self.candidacy: Candidacy | None = None

    def stand(self) -> Candidacy:
        self.candidacy = Candidacy(
            self.requests._connection, Namespace("sys"), self.requests, [self.queue], self.health, self.metrics
        )
        return self.candidacy

    def leader_metric(self) -> float | None:
        return self.metrics.registry.get_sample_value("sshcredential_operator_leader")

    async def writes(self) -> bool:
        try:
            await self.requests.send("POST", "/x", body={})
        except TroubleError:
            return False
        return True


@pytest.fixture
async def desk(connected: Connect) -> AsyncIterator[Desk]:
    server = LeaseServer()
    async with serving(server.answer) as address:
        desk = Desk(server, Requests(await connected(address)))
        yield desk
        if desk.candidacy:
            await desk.candidacy.end(all_is_done=True)
        await desk.requests.close()


async def test_who_leads_works(desk: Desk) -> None:
    desk.queue.add(A)
    desk.stand()
    assert desk.health.waiting == {"leader": BEGINNING}
    assert desk.leader_metric() == 0

    await until(lambda: not desk.health.waiting)

    assert desk.health.remarks == {}
    assert await desk.queue.get() == A
    assert await desk.writes()
    assert desk.leader_metric() == 1
    assert desk.metrics.registry.get_sample_value("sshcredential_operator_elections_won_total") == 1


async def test_a_standby_is_ready_and_lets_its_work_wait(desk: Desk) -> None:
    desk.server.put(holderIdentity="another")
    desk.stand()
    desk.queue.add(A)
    desk.queue.add(B)
    await until(lambda: desk.health.remarks)
    working = asyncio.create_task(desk.queue.get())
    await asyncio.sleep(0)

    assert (desk.health.waiting, desk.health.remarks) == ({}, {"leader": STANDBY})
    assert not working.done()
    assert (len(desk.queue), desk.queue.age) == (2, 0)
    assert not await desk.writes()
    assert desk.leader_metric() == 0

    desk.server.put(holderIdentity="")
    desk.server.tell("MODIFIED")

    assert await asyncio.wait_for(working, 20) == A
    assert await desk.queue.get() == B
    assert await desk.writes()
    assert (desk.health.waiting, desk.health.remarks) == ({}, {})


async def test_what_has_waited_for_a_leader_begins_to_wait_with_him() -> None:
    queue, leads = WorkQueue[CredentialKey](share=4), False
    queue.begin_only_while(lambda: leads)
    queue.add(A)
    queue._quick.count_from(-1000.0)

    leads = True
    queue.resume()

    assert queue.age < 100


async def test_all_idle_workers_begin_when_the_work_does() -> None:
    queue, leads = WorkQueue[CredentialKey](share=4), False
    queue.begin_only_while(lambda: leads)
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    for one in (A, B, key("cc")):
        queue.add(one)
    await asyncio.sleep(0)
    assert not any(worker.done() for worker in workers)

    leads = True
    queue.resume()

    async with asyncio.timeout(20):
        assert set(await asyncio.gather(*workers)) == {A, B, key("cc")}


async def test_nothing_is_handed_out_after_the_end_even_to_a_leader() -> None:
    queue = WorkQueue[CredentialKey](share=4)
    queue.add(A)
    queue.close()
    worker = asyncio.create_task(queue.get())
    queue.resume()
    await asyncio.sleep(0)

    assert not worker.done()
    worker.cancel()


@pytest.mark.parametrize(("all_is_done", "holder"), [(True, ""), (False, "me")])
async def test_the_lease_is_given_up_if_all_is_done(desk: Desk, *, all_is_done: bool, holder: str) -> None:
    candidacy = desk.stand()
    await until(lambda: not desk.health.waiting)
    mine = desk.server.holder
    assert mine

    await candidacy.end(all_is_done=all_is_done)
    desk.candidacy = None

    assert desk.server.holder == (mine if holder else "")
    assert all_is_done is not await desk.writes()


async def test_a_missing_right_is_said_once_and_its_end_is_noticed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.server.refuse = lambda request: web.Response(status=403) if request.method == "POST" else None
    desk.stand()
    await until(lambda: sum(method == "POST" for method, _ in desk.server.asked) >= 4)
    sentence = (
        "The API server does not let this replica create leases.coordination.k8s.io in namespace sys, so it does "
        "nothing: bind the role sshcredential-operator-operator-namespace there, or run one replica with "
        "--no-leader-election."
    )

    assert desk.health.waiting == {"leader": sentence}
    assert caplog.messages.count(sentence) == 1
    assert desk.leader_metric() == 0

    desk.server.refuse = lambda _: None
    await until(lambda: not desk.health.waiting)


async def test_a_server_that_refuses_everybody_for_a_moment_is_not_accused(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.server.refuse = lambda _: web.Response(status=403)
    desk.stand()
    await until(lambda: len(desk.server.asked) >= 2)
    desk.server.refuse = lambda _: None
    await until(lambda: not desk.health.waiting)

    assert "does not let this replica" not in caplog.text


async def test_a_server_that_cannot_be_asked_is_told(desk: Desk) -> None:
    desk.server.refuse = lambda _: web.Response(status=500)
    desk.stand()
    await until(lambda: desk.health.waiting["leader"] != BEGINNING)

    assert desk.health.waiting["leader"] == (
        "The Lease sshcredential-operator in namespace sys cannot be read or written (ServerUnavailable), so this "
        "replica does nothing; trying again."
    )
