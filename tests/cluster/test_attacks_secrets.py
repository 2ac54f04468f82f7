"""Attacks on the stored Secret and on the rotation's serial: copied elsewhere, replayed where it lies, made huge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.shown import OURS, Object, data_of, generated, message_of, secret_of, states_of
from controlplane.clusters import Cluster

STALLS: Final = {"Ready": "False", "Stalled": "True"}
HIGHEST: Final = 2**63 - 1


@pytest.fixture
def elsewhere(cluster: Cluster, workspace: Workspace, name: str) -> Iterator[Desk]:
    """The other workspace of the same operator, which others look at as a whole: nothing is left there."""
    with desk_in(cluster, workspace.other) as desk:
        yield desk
        desk.delete_secret(secret_of(name))
        desk.delete(name)


@pytest.fixture
def rotated(desk: Desk, name: str) -> tuple[Object, Object, Object]:
    """Return a credential after a rotation, its Secret before it, and its Secret now."""
    desk.create(name, generated())
    desk.until(name, "Available")
    before = desk.stored(name)
    desk.edit(name, {"rotation": {"serial": 1, "overlap": "0s"}})
    desk.until_object(name, lambda found: found["status"].get("keyNumber") == 2, "rotated")
    desk.until_secret(name, lambda data: "privateKey.1" not in data, "without the key before")
    return desk.until(name, "Available"), before, desk.stored(name)


def test_a_secret_that_is_copied_to_another_namespace_opens_for_nobody_there(
    desk: Desk, elsewhere: Desk, name: str
) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")
    copied = elsewhere.put_back(desk.stored(name))

    elsewhere.create(name, generated())

    told = elsewhere.until(name, "KeyUnavailable")
    assert states_of(told) == STALLS
    assert "fingerprint" not in told["status"]
    assert elsewhere.stored(name) == copied


def test_values_from_before_a_rotation_that_are_put_where_they_lay_are_told_and_left(
    desk: Desk, name: str, rotated: tuple[Object, Object, Object]
) -> None:
    ready, before, now = rotated

    replayed = desk.change_secret(secret_of(name), data=dict.fromkeys(data_of(now)) | data_of(before))

    told = desk.until(name, "RollbackDetected")
    assert states_of(told) == STALLS
    assert told["status"]["fingerprint"] == ready["status"]["fingerprint"]
    assert desk.stored(name) == replayed


def test_a_private_key_from_before_a_rotation_in_the_place_of_the_next_does_not_open(
    desk: Desk, name: str, rotated: tuple[Object, Object, Object]
) -> None:
    ready, before, now = rotated

    desk.change_secret(secret_of(name), data={"privateKey.2": data_of(before)["privateKey.1"]})

    assert desk.until(name, "SecretTampered")["status"]["fingerprint"] == ready["status"]["fingerprint"]
    desk.change_secret(secret_of(name), data=data_of(now))
    assert desk.until(name, "Available")["status"]["fingerprint"] == ready["status"]["fingerprint"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"record": b"x" * 1_000_000}, id="of one megabyte"),
        pytest.param({f"privateKey.{number}": b"{}" for number in range(1, 2001)}, id="of 2,000 keys"),
    ],
)
def test_a_secret_of_our_type_that_lay_there_before_is_told_and_left(
    desk: Desk, name: str, data: dict[str, bytes]
) -> None:
    lying = desk.make_secret(secret_of(name), data, kind=OURS)

    desk.create(name, generated())

    assert states_of(desk.until(name, "SecretTampered")) == STALLS
    assert desk.stored(name) == lying


def test_the_highest_serial_is_one_key_and_nothing_after_it_is_another(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")

    desk.edit(name, {"rotation": {"serial": HIGHEST}})
    desk.until_object(name, lambda found: found["status"].get("rotationSerial") == HIGHEST, "rotated")
    rotated = desk.until(name, "Available")
    assert rotated["status"]["keyNumber"] == 2

    for fallen in (HIGHEST - 1, 0):
        desk.edit(name, {"rotation": {"serial": fallen}})
        noted = desk.until_object(
            name,
            lambda found: found["status"]["observedGeneration"] == found["metadata"]["generation"],
            "about the serial that fell",
        )
        assert noted["status"]["fingerprint"] == rotated["status"]["fingerprint"]
        assert noted["status"]["rotationSerial"] == HIGHEST
        assert states_of(noted)["Ready"] == "True"
        assert str(HIGHEST) in message_of(noted)
