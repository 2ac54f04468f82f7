"""50 rotations and some ways back, while a client looks every 20 ms: it finds the private key of every key shown.

One run for all tests of this module. Its keys end while others are still made, so that no time is only waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.opened import kek_of, open_stored
from cluster.rotation_client import RotationClient, Shown, without_a_private_key
from cluster.shown import Object, answered, generated, message_of, reason_of, states_of
from controlplane.clusters import Cluster

MOST: Final = 5
"""So many previous keys are kept."""
AT_ONCE: Final = [f"at-once-{number}" for number in range(7)]
PREPARED: Final = ["prepared-0", "prepared-1"]
BACK: Final = "back"
FULL: Final = "full"
TIMES: Final[dict[str, Object]] = {
    **{name: {"overlap": "0s"} for name in AT_ONCE},
    **{name: {"overlap": "1s", "prepare": "2s"} for name in PREPARED},
    BACK: {"overlap": "1h"},
    FULL: {"overlap": "3s"},
}
ROTATIONS: Final = {**dict.fromkeys(AT_ONCE, MOST), **dict.fromkeys(PREPARED, 2), BACK: MOST, FULL: MOST + 1}
"""How often each is rotated: 50 times together."""


class Run(NamedTuple):
    """What the client saw, and what was told on the way."""

    client: RotationClient
    too_many: Object
    back: list[Object]
    """The credential that goes back: after all rotations, after the first way back, and after the second."""
    desk: Desk
    key_ring: Desk


@pytest.fixture(scope="module")
def run(cluster: Cluster, workspace: Workspace) -> Iterator[Run]:
    with (
        desk_in(cluster, workspace.other) as desk,
        desk_in(cluster, workspace.operator.operator_namespace) as key_ring,
    ):
        desk.apply({name: generated() | {"rotation": TIMES[name]} for name in TIMES})
        desk.wait_for_ready(list(TIMES))
        first = desk.get(BACK)["status"]["fingerprint"]
        kek = kek_of(desk.namespace_uid(), key_ring)
        with RotationClient(cluster, desk.namespace, {kek.kid: kek}.get) as client:
            for serial in range(1, MOST + 1):
                rotate(
                    desk,
                    client,
                    [name for name, times in ROTATIONS.items() if name != FULL and times >= serial],
                    serial,
                )
            for serial in range(1, MOST + 1):
                rotate(desk, client, [FULL], serial)
            desk.edit(FULL, {"rotation": {"serial": MOST + 1}})
            too_many = desk.until(FULL, "TooManyKeys")
            back = [desk.get(BACK), *ways_back(desk, client, first)]
            until_ended(desk, [*AT_ONCE, *PREPARED])
            client.until_seen(desk.until(FULL, "Available"))
        yield Run(client, too_many, back, desk, key_ring)


def rotate(desk: Desk, client: RotationClient, names: Sequence[str], serial: int) -> None:
    """Ask for another key of each, and wait until all are in use."""
    for name in names:
        desk.edit(name, {"rotation": {"serial": serial}})
    for name in names:
        client.until_seen(
            desk.until_object(name, lambda found: found["status"]["keyNumber"] == serial + 1, f"key {serial + 1}")
        )


def ways_back(desk: Desk, client: RotationClient, first: str) -> Iterator[Object]:
    """To the first key, and to the last again."""
    for target in (first, desk.get(BACK)["status"]["fingerprint"]):
        desk.edit(BACK, {"rotation": {"rollbackTo": target}})
        wanted = lambda found, target=target: (found["status"]["fingerprint"], answered(found)) == (target, True)  # noqa: E731 - one use
        back = desk.until_object(BACK, wanted, f"back at {target}")
        client.until_seen(back)
        yield back


def until_ended(desk: Desk, names: Sequence[str]) -> None:
    """Wait until nothing but the key in use is stored."""
    for name in names:
        desk.until_secret(name, lambda data: len([key for key in data if key.startswith("privateKey.")]) == 1, "alone")


def test_for_every_public_key_that_was_shown_the_private_key_was_there(run: Run) -> None:
    assert run.client.missing == []


def test_no_key_was_used_that_was_not_announced_before(run: Run) -> None:
    assert [key for key in run.client.unannounced if key.startswith("prepared-")] == []


def test_the_client_saw_every_key_of_all_50_rotations_in_use(run: Run) -> None:
    rotations = {name: len(keys) - 1 for name, keys in run.client.used.items()}
    assert sum(ROTATIONS.values()) == 50
    assert rotations == ROTATIONS | {BACK: ROTATIONS[BACK] + 2}
    assert run.client.looks >= sum(rotations.values())


def test_a_credential_stays_ready_while_its_keys_are_announced_and_replaced(run: Run) -> None:
    others = {name: reasons for name, reasons in run.client.reasons.items() if name != FULL}
    assert others == {name: ["Available"] for name in TIMES if name != FULL}


def test_a_sixth_previous_key_is_waited_for_and_then_the_request_is_answered_by_itself(run: Run) -> None:
    assert states_of(run.too_many) == {"Ready": "False", "Reconciling": "True"}
    assert f"{MOST} previous keys are still stored" in message_of(run.too_many)
    assert run.too_many["status"]["keyNumber"] == MOST + 1
    assert run.client.reasons[FULL] == ["Available", "TooManyKeys", "Available"]
    assert run.desk.get(FULL)["status"]["keyNumber"] == MOST + 2


def test_who_goes_back_uses_the_very_same_key_under_a_new_number(run: Run) -> None:
    rotated, first, last = run.back
    numbers = [found["status"]["keyNumber"] for found in run.back]
    assert numbers == [MOST + 1, MOST + 2, MOST + 3]
    assert last["status"]["publicKey"] == rotated["status"]["publicKey"]
    assert last["status"]["previous"]["publicKey"] == first["status"]["publicKey"]
    assert {reason_of(found) for found in run.back} == {"Available"}
    assert len(open_stored(run.desk, BACK, run.key_ring).record.keys) == 1 + MOST


@pytest.mark.parametrize("name", [AT_ONCE[0], PREPARED[0]])
def test_a_key_whose_time_is_over_is_destroyed(run: Run, name: str) -> None:
    last = ROTATIONS[name] + 1
    assert run.desk.stored(name)["data"].keys() == {"record", f"privateKey.{last}"}
    record = open_stored(run.desk, name, run.key_ring).record
    assert [key.key_number for key in record.keys] == [last]
    assert "previous" not in run.desk.get(name)["status"]


def test_a_key_that_is_not_there_is_seen(run: Run) -> None:
    """The client is no blind one."""
    record = open_stored(run.desk, BACK, run.key_ring).record
    held = [key.fingerprint for key in record.keys]
    fine = {BACK: Shown(held[0], tuple(held[1:]), "Available")}
    assert list(without_a_private_key(fine, {BACK: record})) == []
    for stored in ({}, {BACK: None}):
        assert list(without_a_private_key(fine, stored)) == [f"{BACK}: {key}" for key in held]
    gone = {BACK: Shown("SHA256:gone", (held[0],), "Available")}
    assert list(without_a_private_key(gone, {BACK: record})) == [f"{BACK}: SHA256:gone"]
