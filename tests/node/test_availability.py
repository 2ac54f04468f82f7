"""Two replicas in containers, and what becomes of the work when the one that leads is killed, frozen, deleted, stopped.

No time decides here; what it takes is printed, and measured by `make bench-failover-node`.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import pytest

from chart.rendering import NAMESPACE
from cluster.desk import Desk
from cluster.replicas import attempts_after
from cluster.shown import Object, generated
from controlplane.audit import AuditEvent
from controlplane.waiting import wait_until
from node.installation import WORKSPACES, Installation
from node.replicas import Asked, Holders, container_of, frozen, pod_of, signal_first, until_all_ready

WORKSPACE: Final = WORKSPACES[1]
MANY: Final = 40
SOME: Final = 10
"""After so many keys something happens to the leader: it is in the middle of its work then."""


class Pair(NamedTuple):
    """A leader and its standby, with a person at a desk, and all that the pods ask."""

    installed: Installation
    leader: str
    standby: str
    desk: Desk
    asked: Asked

    def goes_on(self, names: list[str], began: float) -> str:
        """Return when the standby took over, once a new credential and all others are Ready, each with one key."""
        new = f"{names[0]}-afterwards"
        self.desk.create(new, generated())
        until_all_ready(self.desk, [new])
        print(f"a new credential was Ready {time.monotonic() - began:.1f} s after it happened")
        until_all_ready(self.desk, names)
        assert self.asked.twice([*names, new]) == []
        posts = {event.name: pod_of(event) for event in self.asked.stored()}
        assert posts[f"{new}-sshcredential"] == self.standby
        assert set(posts.values()) == {self.leader, self.standby}, "it happened too early or too late"
        return self.asked.until_taken(self.standby)


@pytest.fixture
def pair(installed: Installation) -> Iterator[Pair]:
    """Two pods that are ready. Whatever a test does to them, there are two again afterwards."""
    standby, leader = installed.standby(), installed.leader()
    with installed.desk(WORKSPACE) as desk:
        yield Pair(installed, leader, standby, desk, Asked(installed, WORKSPACE))
    assert len(installed.until_ready()) == 2
    assert installed.leader()


_runs = itertools.count(1)


@contextmanager
def being_created(pair: Pair) -> Iterator[list[str]]:
    """Create credentials while something else happens."""
    run = next(_runs)
    names = [f"at-work-{run}-{number}" for number in range(MANY)]
    creating = threading.Thread(target=pair.desk.apply, args=({name: generated() for name in names},))
    creating.start()
    try:
        pair.asked.until_stored(SOME)
        yield names
    finally:
        creating.join()


def kill(pair: Pair) -> None:
    signal_first(pair.installed, pair.leader, signal.SIGKILL)


def delete(pair: Pair) -> None:
    pair.installed.kubectl("delete", "pod", pair.leader, "--wait=false")


def delete_without_grace(pair: Pair) -> None:
    pair.installed.kubectl("delete", "pod", pair.leader, "--wait=false", "--grace-period=0", "--force")


@pytest.mark.parametrize("end", [kill, delete, delete_without_grace])
def test_the_other_goes_on_when_the_leader_ends(pair: Pair, end: Callable[[Pair], None]) -> None:
    with being_created(pair) as names:
        began = time.monotonic()
        end(pair)

    taken = pair.goes_on(names, began)

    assert pair.installed.leader() == pair.standby
    assert attempts_after(of_the(pair.leader, pair.asked), user_of(pair), taken) == []


def test_a_frozen_leader_writes_nothing_when_it_wakes_and_stands_by(pair: Pair) -> None:
    restarts = container_of(pair.installed, pair.leader)["restartCount"]
    with being_created(pair) as names:
        began = time.monotonic()
        with frozen(pair.installed, pair.leader):
            taken = pair.goes_on(names, began)
    wait_until(lambda: stands_by(pair, pair.leader), "the old leader stands by", 60)
    pair.desk.create(f"{names[0]}-at-last", generated())
    until_all_ready(pair.desk, [f"{names[0]}-at-last"])

    assert container_of(pair.installed, pair.leader)["restartCount"] == restarts, "it did not wake, but began anew"
    assert attempts_after(of_the(pair.leader, pair.asked), user_of(pair), taken) == []
    assert pair.asked.twice([*names, f"{names[0]}-at-last"]) == []


def test_a_leader_that_is_told_to_end_leaves_nothing_half_done_and_lets_go_of_the_lease(pair: Pair) -> None:
    with Holders(pair.installed) as holders:
        with being_created(pair) as names:
            began = time.monotonic()
            signal_first(pair.installed, pair.leader, signal.SIGTERM)
        pair.goes_on(names, began)

    assert ended(pair)["exitCode"] == 0
    assert holders.seen == [pair.leader, "", pair.standby]
    by_leader = {event.name for event in pair.asked.stored() if pod_of(event) == pair.leader}
    told = {
        event.name for event in pair.asked.written() if (pod_of(event), event.subresource) == (pair.leader, "status")
    }
    assert {f"{name}-sshcredential" for name in told} == by_leader, "a key that it stored was left to another to tell"


def ended(pair: Pair) -> Object:
    """How the container of the leader ended, once the kubelet tells."""

    def told() -> Object:
        found: Object = container_of(pair.installed, pair.leader)["lastState"].get("terminated", {})
        return found

    return wait_until(told, "the kubelet tells of its end", 60)


def of_the(pod: str, asked: Asked) -> list[AuditEvent]:
    return [event for event in asked.events() if pod_of(event) == pod]


def user_of(pair: Pair) -> str:
    return f"system:serviceaccount:{NAMESPACE}:sshcredential-operator"


def stands_by(pair: Pair, pod: str) -> bool:
    look = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/readyz').read().decode())"
    return pair.installed.run_in(pod, look, check=False).startswith("standby")
