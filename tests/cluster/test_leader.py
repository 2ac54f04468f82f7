"""Two replicas of the operator, and what becomes of the work when the one that leads dies, freezes, or is cut off.

Each is a user of its own with the same rights: the audit log tells who wrote what, and when.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from cluster.replicas import USERS, Replica, Replicas, attempts_after, began, frozen, replicas
from cluster.rights import grant, grant_operator_namespace, revoke
from cluster.shown import generated, secret_of
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.forwarder import Forwarder

MANY: Final = [f"credential-{n}" for n in range(100)]
SOME: Final = 15
"""After so many keys something happens to the leader: it is in the middle of its work then."""


@pytest.fixture
def installed(embedded: ControlPlane, namespaces: Namespaces, tmp_path: Path) -> Iterator[Replicas]:
    with replicas(embedded, namespaces, tmp_path) as installed:
        yield installed


@contextmanager
def being_created(installed: Replicas, names: list[str]) -> Iterator[None]:
    """Create credentials while something else happens."""
    creating = threading.Thread(target=installed.desk.apply, args=({name: generated() for name in names},))
    creating.start()
    try:
        installed.until_stored(SOME)
        yield
    finally:
        creating.join()


def has_one_key_each(installed: Replicas, names: list[str]) -> bool:
    """Whether every Secret was made once, by whomever, and never touched again; the status tells of the first key.

    A POST whose sender was killed may have been carried out without an answer.
    """
    ready = installed.until_ready(names)
    stored = Counter(event.name for event in installed.stored())
    assert set(stored) <= {secret_of(name) for name in names}
    assert set(stored.values()) == {1}
    assert {event.verb for event in installed.written() if event.resource == "secrets"} == {"create"}
    return {found["status"]["keyNumber"] for found in ready} == {1}


def test_the_leader_alone_writes_and_at_rest_nothing_but_its_lease(installed: Replicas) -> None:
    leader, standby = installed.start_pair()
    installed.desk.apply({name: generated() for name in MANY[:10]})
    installed.until_ready(MANY[:10])
    wait_until(lambda: standby.knows() == 10, "the standby has seen all of them")
    assert {event.user for event in installed.written() if event.resource != "leases"} == {leader.user}

    # The ConfigMap of the key ring names the new workspace key within five seconds; a Lease is renewed every three.
    wait_until(lambda: {event.resource for event in installed.asked()[-3:]} == {"leases"}, "all is told")
    before = len(installed.asked())
    wait_until(lambda: len(installed.asked()) >= before + 2, "the leader renewed twice")
    since = {(event.user, event.verb, event.resource) for event in installed.asked()[before:]}
    assert since == {(leader.user, "update", "leases")}

    leader.process.stop()
    released = began([event for event in installed.written() if event.user == leader.user][-1])
    wait_until(standby.leads, "the standby leads")
    installed.desk.create("afterwards", generated())
    installed.desk.until("afterwards", "Available")
    assert installed.until_taken(standby) > released
    assert not any("no longer the leader" in message for message in leader.process.messages())


def test_a_killed_leader_is_followed_and_no_credential_gets_two_keys(installed: Replicas) -> None:
    leader, standby = installed.start_pair()
    with being_created(installed, MANY):
        leader.process.kill()
    taken = installed.until_taken(standby)

    assert has_one_key_each(installed, MANY)
    by_standby = [event for event in installed.written() if event.user == standby.user]
    assert {event.user for event in installed.stored()} == set(USERS), "the leader was killed too early or too late"
    assert all(began(event) > taken for event in by_standby if event.resource != "leases")


def test_a_frozen_leader_writes_nothing_when_it_wakes(installed: Replicas) -> None:
    leader, standby = installed.start_pair()
    with being_created(installed, MANY[:-20]), frozen(leader):
        taken = installed.until_taken(standby)
        installed.desk.apply({name: generated() for name in MANY[-20:]})
        installed.until_ready(MANY)
    wait_until(lambda: leader.stands_by() and leader.knows() == len(MANY), "the old leader has seen what it missed")
    installed.desk.create("afterwards", generated())
    installed.desk.until("afterwards", "Available")

    assert attempts_after(installed.asked(), leader.user, taken) == []
    assert has_one_key_each(installed, [*MANY, "afterwards"])
    assert {event.user for event in installed.stored()} == set(USERS), "the leader was frozen too early or too late"


def test_a_leader_that_is_cut_off_has_stopped_when_another_begins(installed: Replicas, tmp_path: Path) -> None:
    with Forwarder(installed.plane.server) as cable:
        through = cable.kubeconfig(installed.plane.kubeconfig_for(USERS[0]), tmp_path)
        leader, standby = installed.start_pair(kubeconfig=through)
        with being_created(installed, MANY):
            cable.cut()
            wait_until(lambda: not leader.leads(), "the leader has noticed")
            assert not standby.leads()
            taken = installed.until_taken(standby)
        installed.until_ready(MANY)
        wait_until(lambda: leader.process.get("/readyz")[0] == 503, "it says that it hears nothing")
        cable.heal()
        wait_until(lambda: leader.stands_by() and leader.knows() == len(MANY), "the old leader is back as a standby")

        assert attempts_after(installed.asked(), leader.user, taken) == []
        assert has_one_key_each(installed, MANY)
        assert {event.user for event in installed.stored()} == set(USERS), "the cable was cut too early or too late"
        assert_handed_over(standby, leader)


def assert_handed_over(leader: Replica, standby: Replica) -> None:
    leader.process.stop()
    wait_until(standby.leads, "the one that had lost the Lease has it again")


def test_without_the_right_to_the_lease_nothing_is_done_and_it_is_said_once(
    embedded: ControlPlane, installed: Replicas
) -> None:
    embedded.kubectl(
        "delete", "rolebinding", "-n", installed.own, f"sshcredential-operator-operator-namespace-{USERS[0]}"
    )
    secrets_only = grant(embedded, installed.own, USERS[0], "secrets", ["get", "list", "create"])
    replica = installed.start(USERS[0], ready=False)
    sentence = (
        f"The API server does not let this replica get leases.coordination.k8s.io in namespace {installed.own}, so it "
        "does nothing: bind the role sshcredential-operator-operator-namespace there, or run one replica with "
        "--no-leader-election."
    )

    wait_until(lambda: replica.process.get("/readyz") == (503, f"{sentence}\n"), "it says what is missing")
    installed.desk.create("waiting", generated())
    wait_until(lambda: replica.knows() == 1, "it has seen the credential")
    wait_until(lambda: len([event for event in installed.asked() if event.code == 403]) >= 3, "it keeps trying")
    told = [said for said in replica.process.messages() if "leases" in said or "Lease" in said]
    assert sentence in told
    assert all(one != next_one for one, next_one in pairwise(told))  # another trouble may come between
    assert installed.stored() == []

    grant_operator_namespace(embedded, installed.own, USERS[0])
    revoke(embedded, installed.own, secrets_only)
    installed.desk.until("waiting", "Available")
    assert replica.process.get("/readyz") == (200, "ok\n")
    assert [event.name for event in installed.stored()] == [secret_of("waiting")]
