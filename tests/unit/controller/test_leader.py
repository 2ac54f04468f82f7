"""`controller/leader.py`: who leads and when, in virtual time, whatever becomes of the requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.leader import RENEW_SECONDS, TENURE_SECONDS, Elector, Standing, boot_seconds
from sshcredential_operator.controller.lease import LEASE_SECONDS
from unit.controller.lease_memory import LATENCY, Network, Replica, Server, now
from unit.controller.virtual_time import run

SOON = 0.6
"""The jitter of one look at the Lease, and the requests that follow."""


class Watched:
    """Looks at all replicas all the time: never do two of them lead."""

    def __init__(self, replicas: list[Replica]) -> None:
        self.replicas = replicas
        self.led: list[tuple[float, str]] = []

    async def look(self) -> None:
        while True:
            leading = [replica.name for replica in self.replicas if replica.leads()]
            assert len(leading) < 2, (now(), leading)
            if leading and (not self.led or self.led[-1][1] != leading[0]):
                self.led.append((now(), leading[0]))
            await asyncio.sleep(0.05)


@contextmanager
def watched(*replicas: Replica) -> Iterator[Watched]:
    watched = Watched(list(replicas))
    looking = asyncio.create_task(watched.look())
    try:
        yield watched
    finally:
        if looking.done():
            looking.result()
        looking.cancel()


async def until(condition: Callable[[], object], seconds: float = 60) -> float:
    """Return how long it took."""
    begun = now()
    while not condition():
        assert now() - begun < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.01)
    return now() - begun


async def leader_and_standby(server: Server) -> tuple[Replica, Replica]:
    leader = Replica(server, "leader", clock_offset=1e6)
    await until(leader.leads)
    standby = Replica(server, "standby", clock_offset=-5e5)
    await until(lambda: standby.standings == [Standing.STANDBY])
    return leader, standby


def last_renewal(server: Server) -> float:
    """When the request began that wrote last."""
    return server.writes[-1].moment - LATENCY


def test_the_first_leads_at_once_and_the_second_stands_by() -> None:
    async def scenario() -> None:
        leader, standby = await leader_and_standby(Server())
        assert (leader.leads(), standby.leads()) == (True, False)
        assert leader.standings == [Standing.LEADER]
        assert now() < SOON

    run(scenario())


def test_at_rest_the_leader_renews_every_three_seconds_and_nobody_asks_for_anything_else() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        before = len(server.requests)
        with watched(leader, standby) as looking:
            await asyncio.sleep(600)
        assert looking.led == [(looking.led[0][0], "leader")]
        assert {(replica, verb) for _, replica, verb in server.requests[before:]} == {("leader", "update")}
        pauses = [second.moment - first.moment for first, second in pairwise(server.writes)]
        assert len(pauses) == 200
        assert max(pauses) == pytest.approx(RENEW_SECONDS, abs=0.1)

    run(scenario())


def test_when_the_leader_dies_the_standby_waits_ten_seconds_by_its_own_clock_and_no_longer() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        await asyncio.sleep(32)
        leader.kill()
        renewed = last_renewal(server)
        await until(standby.leads)
        assert LEASE_SECONDS <= now() - renewed < LEASE_SECONDS + 0.2

    run(scenario())


def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        await asyncio.sleep(4)
        await leader.stop()
        assert not leader.leads()
        assert await until(standby.leads) < 0.05
        assert [write.holder for write in server.writes][-2:] == ["", "standby"]

    run(scenario())


def test_a_lease_is_given_up_although_the_answer_to_its_last_renewal_never_came() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        leader.leases.network = Network.ONE_WAY
        renewals = len(server.writes)
        await until(lambda: len(server.writes) > renewals)
        stopping = asyncio.create_task(leader.stop())
        await asyncio.sleep(0)
        leader.leases.network = Network.OPEN
        await stopping
        assert await until(standby.leads) < 0.05

    run(scenario())


def test_a_standby_gives_nothing_up() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        await standby.stop()
        await asyncio.sleep(30)
        assert leader.leads()
        assert {write.holder for write in server.writes} == {"leader"}

    run(scenario())


def test_of_many_who_start_at_once_one_leads() -> None:
    async def scenario() -> None:
        server = Server()
        replicas = [Replica(server, f"replica-{n}", clock_offset=n * 1e5) for n in range(5)]
        with watched(*replicas) as looking:
            await asyncio.sleep(30)
        assert len(looking.led) == 1

    run(scenario())


@pytest.mark.parametrize("network", [Network.SILENT, Network.REFUSED, Network.ONE_WAY], ids=lambda n: n.value)
def test_a_leader_that_cannot_renew_stops_before_another_begins(network: Network) -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        await asyncio.sleep(20)
        leader.leases.network = network
        with watched(leader, standby) as looking:
            await until(lambda: not leader.leads())
            stopped = now()
            await until(standby.leads)
            took_over = now()
            await until(lambda: leader.standings[-1] is Standing.TROUBLE)
            leader.leases.network = Network.OPEN
            await until(lambda: leader.standings[-1] is Standing.STANDBY)
            await asyncio.sleep(30)
        assert [name for _, name in looking.led] == ["leader", "standby"]
        assert took_over - stopped >= LEASE_SECONDS - TENURE_SECONDS - 0.1
        assert network is not Network.REFUSED or stopped - 20 <= TENURE_SECONDS + 0.1

    run(scenario())


def test_a_frozen_leader_knows_on_waking_before_anything_else_runs() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        await asyncio.sleep(10)
        leader.freeze()
        await asyncio.sleep(15)
        requests = len(server.requests)
        assert standby.leads()
        assert not leader.leads()
        leader.thaw()
        with watched(leader, standby):
            await until(lambda: leader.standings[-1] is Standing.STANDBY)
            await asyncio.sleep(SOON)
        assert {verb for _, who, verb in server.requests[requests:] if who == "leader"} == {"get", "watch"}
        assert leader.standings == [Standing.LEADER, Standing.STANDBY, Standing.STANDBY]

    run(scenario())


@pytest.mark.parametrize("moment", [0.001, LATENCY + 0.001], ids=["before it is applied", "before its answer"])
def test_a_leader_frozen_in_its_renewal_does_not_count_the_time_it_slept(moment: float) -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        renewals = sum(verb == "update" for _, _, verb in server.requests)
        await until(lambda: sum(verb == "update" for _, _, verb in server.requests) > renewals)
        await asyncio.sleep(moment)
        leader.freeze()
        await asyncio.sleep(8)
        assert not leader.leads()
        with watched(leader, standby):
            leader.thaw()
            await asyncio.sleep(30)

    run(scenario())


@pytest.mark.parametrize("moment", [0.5, RENEW_SECONDS + 0.001], ids=["between renewals", "in a renewal"])
def test_a_machine_that_slept_counts_its_sleep_although_its_timers_did_not_run(moment: float) -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        standby.leases.network = Network.SILENT  # so that nobody else tells the leader
        renewals = len(server.writes)
        await until(lambda: len(server.writes) > renewals)
        await asyncio.sleep(moment)
        leader.slept += 20
        requests = len(server.requests)
        assert not leader.leads()
        await until(lambda: leader.standings[-1] is Standing.STANDBY)
        await until(leader.leads)
        assert [verb for _, who, verb in server.requests[requests:] if who == "leader"][-2:] == ["get", "update"]

    run(scenario())


def test_every_gap_in_a_tenure_is_told() -> None:
    async def scenario() -> None:
        server = Server()
        leader = Replica(server, "leader")
        await until(leader.leads)
        await asyncio.sleep(1)
        leader.leases.network = Network.REFUSED
        await asyncio.sleep(last_renewal(server) + TENURE_SECONDS - 0.31 - now())
        leader.leases.network, leader.leases.latency = Network.OPEN, 0.4
        await until(lambda: not leader.leads())
        await until(leader.leads)
        assert leader.standings == [Standing.LEADER, Standing.STANDBY, Standing.LEADER]

    run(scenario())


def test_a_leader_that_slept_alone_goes_on_by_a_new_renewal() -> None:
    async def scenario() -> None:
        server = Server()
        alone = Replica(server, "alone")
        await until(alone.leads)
        alone.freeze()
        await asyncio.sleep(90)
        assert not alone.leads()
        alone.thaw()
        assert await until(alone.leads) < SOON
        assert alone.standings == [Standing.LEADER, Standing.STANDBY, Standing.LEADER]

    run(scenario())


def test_a_frozen_standby_takes_nothing_from_a_leader_that_went_on() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        standby.freeze()
        await asyncio.sleep(90)
        with watched(leader, standby) as looking:
            standby.thaw()
            await asyncio.sleep(30)
        assert [name for _, name in looking.led] == ["leader"]

    run(scenario())


def test_a_change_by_somebody_else_costs_the_leader_one_more_look() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        with watched(leader, standby) as looking:
            for _ in range(5):
                server.touch()
                await asyncio.sleep(RENEW_SECONDS)
        assert [name for _, name in looking.led] == ["leader"]
        assert leader.standings == [Standing.LEADER]

    run(scenario())


def test_a_leader_whose_name_was_taken_out_steps_down() -> None:
    async def scenario() -> None:
        server = Server()
        leader, _ = await leader_and_standby(server)
        server.put("somebody else", "somebody else")
        assert await until(lambda: not leader.leads()) <= RENEW_SECONDS + 0.1
        assert leader.standings[-1] is Standing.STANDBY

    run(scenario())


def test_a_deleted_lease_is_made_again_by_its_holder_and_not_by_the_standby() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        with watched(leader, standby) as looking:
            server.delete()
            await asyncio.sleep(30)
        assert [name for _, name in looking.led] == ["leader"]
        assert {write.replica for write in server.writes} == {"leader"}
        assert leader.standings == [Standing.LEADER]

    run(scenario())


def test_a_lease_deleted_after_its_holder_died_is_made_by_the_standby_in_its_time() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        leader.kill()
        server.delete()
        renewed = last_renewal(server)
        await until(standby.leads)
        assert LEASE_SECONDS <= now() - renewed <= LEASE_SECONDS + SOON

    run(scenario())


@pytest.mark.parametrize(
    ("asked", "patience"),
    [(0, LEASE_SECONDS), (5, LEASE_SECONDS), (30, 30), (1_000_000, 60)],
    ids=["none", "less than ours", "more than ours", "without end"],
)
def test_a_dead_holder_gets_the_patience_that_it_asked_for_within_limits(asked: float, patience: float) -> None:
    async def scenario() -> None:
        server = Server()
        server.put("dead", "dead", seconds=asked)
        candidate = Replica(server, "candidate", clock_offset=1e9)
        assert patience <= await until(candidate.leads, 100) <= patience + 0.2

    run(scenario())


def test_a_lease_that_nobody_holds_is_taken_at_once() -> None:
    async def scenario() -> None:
        server = Server()
        server.put("", "somebody")
        assert await until(Replica(server, "candidate").leads) < 0.05

    run(scenario())


@pytest.mark.parametrize("verb", ["get", "create"])
def test_a_missing_right_is_told_and_tried_again_until_it_is_there(verb: str) -> None:
    async def scenario() -> None:
        server = Server()
        replica = Replica(server, "replica")
        replica.leases.forbidden = {verb}
        await asyncio.sleep(60)
        assert set(replica.standings) == {Standing.TROUBLE}
        trouble = replica.told[-1][1]
        assert trouble
        assert (trouble.reason, trouble.facts["verb"]) == (Reason.FORBIDDEN, verb)
        assert not replica.leads()
        assert len(server.requests) < 300
        replica.leases.forbidden = set()
        assert await until(replica.leads) < 2
        assert replica.standings[-1] is Standing.LEADER

    run(scenario())


def test_without_the_right_to_watch_the_lease_is_read_and_taken_in_time() -> None:
    async def scenario() -> None:
        server = Server()
        leader, _ = await leader_and_standby(server)
        blind = Replica(server, "blind")
        blind.leases.forbidden = {"watch"}
        _.kill()
        await asyncio.sleep(20)
        assert set(blind.standings) == {Standing.TROUBLE}
        with watched(leader, blind):
            leader.kill()
            assert await until(blind.leads) < LEASE_SECONDS + 2

    run(scenario())


def test_without_the_right_to_renew_the_leader_stops_in_time_and_says_so() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        leader.leases.forbidden = {"update"}
        with watched(leader, standby) as looking:
            await until(standby.leads)
            await asyncio.sleep(30)
        assert [name for _, name in looking.led] == ["leader", "standby"]
        assert leader.standings[-1] is Standing.STANDBY

    run(scenario())


@pytest.mark.parametrize(("away", "goes_on"), [(3.0, True), (20.0, False)], ids=["shortly", "for long"])
def test_a_server_that_is_away_ends_only_a_tenure_that_it_outlasts(away: float, *, goes_on: bool) -> None:
    async def scenario() -> None:
        leader, standby = await leader_and_standby(Server())
        both = (leader, standby)
        await asyncio.sleep(3.5)
        with watched(*both):
            for replica in both:
                replica.leases.network = Network.REFUSED
            leader.leases.server.cut_watches()
            await asyncio.sleep(away)
            assert leader.leads() is goes_on
            for replica in both:
                replica.leases.network = Network.OPEN
            assert await until(lambda: any(replica.leads() for replica in both)) <= 2
        assert goes_on == (leader.standings == [Standing.LEADER])

    run(scenario())


def test_a_watch_that_tells_nothing_takes_nothing_from_a_leader_that_renews() -> None:
    async def scenario() -> None:
        leader, standby = await leader_and_standby(Server())
        standby.leases.deaf = True
        with watched(leader, standby) as looking:
            await asyncio.sleep(120)
        assert [name for _, name in looking.led] == ["leader"]

    run(scenario())


def test_watches_that_break_all_the_time_change_nothing() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        with watched(leader, standby):
            for _ in range(30):
                server.cut_watches()
                await asyncio.sleep(1)
            assert leader.leads()
            leader.kill()
            for _ in range(11):
                server.cut_watches()
                await asyncio.sleep(1)
        assert standby.leads()
        assert set(standby.standings) == {Standing.STANDBY, Standing.LEADER}

    run(scenario())


def test_an_answer_that_was_lost_is_looked_up() -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        leader.leases.network = Network.ONE_WAY
        renewals = len(server.writes)
        await until(lambda: len(server.writes) > renewals)
        leader.leases.network = Network.OPEN
        with watched(leader, standby) as looking:
            await asyncio.sleep(30)
        assert [name for _, name in looking.led] == ["leader"]
        assert leader.standings == [Standing.LEADER]

    run(scenario())


def test_an_error_that_nobody_thought_of_ends_no_election(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        server = Server()
        leader, standby = await leader_and_standby(server)
        leader.leases.broken = standby.leases.broken = ValueError("a text that nobody may see")
        server.cut_watches()
        await asyncio.sleep(20)
        assert not leader.leads()
        leader.leases.broken = standby.leases.broken = None
        assert await until(lambda: leader.leads() or standby.leads()) <= LEASE_SECONDS

    run(scenario())
    assert "ValueError" in {vars(record).get("error") for record in caplog.records}
    assert "nobody may see" not in caplog.text


def test_a_cancellation_of_something_else_ends_no_election() -> None:
    class Cancelled(Elector):
        times = 0

        async def _until_free(self) -> None:
            self.times += 1
            if self.times < 3:
                raise asyncio.CancelledError
            await super()._until_free()

    async def scenario() -> None:
        server = Server()
        elector = Cancelled(Replica(server, "other").leases, "replica", lambda *_: None, now)
        running = asyncio.create_task(elector.run())
        await asyncio.sleep(20)
        assert elector.times >= 3
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()

    run(scenario())


@pytest.mark.parametrize("story", range(8))
def test_whatever_happens_two_never_lead_and_soon_afterwards_one_does(seed: int, story: int) -> None:
    chance = random.Random(f"{seed}/{story}")
    random.seed(chance.random())  # the electors' jitter

    async def scenario() -> None:
        server = Server()
        with watched(*(Replica(server, f"replica-{n}", chance.uniform(-1e6, 1e6)) for n in range(3))) as looking:
            replicas = looking.replicas
            for _ in range(60):
                await asyncio.sleep(chance.choice((0.01, 0.5, 3, 8, 20)))
                something_happens(chance, server, replicas)
            for replica in replicas:
                replica.thaw()
                replica.leases.network, replica.leases.deaf = Network.OPEN, False
            await until(lambda: any(replica.leads() for replica in replicas), LEASE_SECONDS + 3)
            await asyncio.sleep(60)
            assert sum(replica.leads() for replica in replicas) == 1

    run(scenario())


def something_happens(chance: random.Random, server: Server, replicas: list[Replica]) -> None:
    replica = chance.choice(replicas)
    match chance.randrange(8):
        case 0:
            replica.freeze()
        case 1 | 2:
            replica.thaw()
        case 3:
            replica.leases.network = chance.choice(list(Network))
        case 4:
            replica.leases.network, replica.leases.deaf = Network.OPEN, chance.random() < 0.3
        case 5 if server.lease:
            server.touch()
        case 6:
            server.cut_watches()
        case 7:
            replica.kill()
            replicas[replicas.index(replica)] = Replica(server, f"replica-{chance.random()}", chance.uniform(-1e6, 1e6))


def test_the_clock_is_one_that_nobody_sets() -> None:
    first, second = boot_seconds(), boot_seconds()
    assert 0 < first <= second
