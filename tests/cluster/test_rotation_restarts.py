"""The operator is killed while keys are announced and while previous ones end: all times go on as if it had been there.

Killed once for all tests of this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import pytest

from cluster.desk import Desk
from cluster.installation import installation
from cluster.shown import Object, data_of, generated, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

ROTATIONS: Final[dict[str, dict[str, Any]]] = {
    "ending": {"overlap": "1s"},
    "usable": {"overlap": "1h"},
    "back": {"overlap": "1h"},
    "announced": {"prepare": "6s"},
    "due-meanwhile": {"prepare": "3s"},
}
"""In the order in which they are asked for: the last ones have to be announced still when the operator is killed."""


class Story(NamedTuple):
    """How the credentials were before the operator was killed, and since when it is back."""

    desk: Desk
    first: dict[str, Object]
    before: dict[str, Object]
    stored: dict[str, Object]
    killed_at: datetime


@pytest.fixture(scope="module")
def story(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with installation(cluster, namespaces, tmp_path_factory.mktemp("rotating")) as (installed, desk, _):
        operator = installed.start()
        desk.apply({name: generated() | {"rotation": times} for name, times in ROTATIONS.items()})
        desk.wait_for_ready(list(ROTATIONS))
        first = {name: desk.get(name) for name in ROTATIONS}
        for name in ROTATIONS:
            desk.edit(name, {"rotation": {"serial": 1}})
            desk.until_object(name, lambda found: found["status"]["rotationSerial"] == 1, "rotated")
            if name == "back":
                desk.edit(name, {"rotation": {"rollbackTo": first[name]["status"]["fingerprint"]}})
                until_key(desk, name, 3)
        operator.kill()
        killed_at = datetime.now(UTC)
        before, stored = ({name: get(name) for name in ROTATIONS} for get in (desk.get, desk.stored))
        due = datetime.fromisoformat(before["due-meanwhile"]["status"]["next"]["promotesAt"])
        wait_until(lambda: datetime.now(UTC) > due, "a key is due")
        desk.edit("usable", {"rotation": {"serial": 2}})
        installed.start()
        yield Story(desk, first, before, stored, killed_at)


def until_key(desk: Desk, name: str, number: int) -> Object:
    return desk.until_object(name, lambda found: found["status"]["keyNumber"] == number, f"at key {number}")


def test_an_announced_key_is_used_at_its_time(story: Story) -> None:
    following = story.before["announced"]["status"]["next"]
    assert datetime.fromisoformat(following["promotesAt"]) > story.killed_at

    promoted = until_key(story.desk, "announced", 2)

    assert datetime.now(UTC) >= datetime.fromisoformat(following["promotesAt"])
    assert promoted["status"]["publicKey"] == following["publicKey"]
    assert states_of(promoted) == {"Ready": "True"}
    previous = promoted["status"]["previous"]["publicKey"]
    assert previous == story.first["announced"]["status"]["publicKey"]


def test_an_announced_key_whose_time_came_meanwhile_is_used(story: Story) -> None:
    promoted = until_key(story.desk, "due-meanwhile", 2)

    assert promoted["status"]["publicKey"] == story.before["due-meanwhile"]["status"]["next"]["publicKey"]
    story.desk.until_event("due-meanwhile", "Promoted")


def test_what_was_asked_meanwhile_is_answered_and_the_keys_before_stay(story: Story) -> None:
    until_key(story.desk, "usable", 3)

    kept = story.stored["usable"]["data"].keys() | {"privateKey.3"}
    assert story.desk.stored("usable")["data"].keys() == kept


def test_a_way_back_is_not_gone_again(story: Story) -> None:
    """That the operator has looked at it: it was before others in the queue that are answered."""
    until_key(story.desk, "usable", 3)
    story.desk.create("later", generated())
    story.desk.until("later", "Available")

    assert story.desk.get("back") == story.before["back"]
    assert story.desk.stored("back") == story.stored["back"]


def test_a_previous_key_is_destroyed_after_its_time(story: Story) -> None:
    assert "privateKey.1" in story.stored["ending"]["data"]

    ended = story.desk.until_secret("ending", lambda data: "privateKey.1" not in data, "alone")

    kept = {"privateKey.2": data_of(story.stored["ending"])["privateKey.2"]}
    assert {name: value for name, value in data_of(ended).items() if name != "record"} == kept
    story.desk.until_event("ending", "Destroyed")
    over = story.desk.get("ending")["status"]
    assert "previous" not in over
    assert over["publicKey"] == story.before["ending"]["status"]["publicKey"]
