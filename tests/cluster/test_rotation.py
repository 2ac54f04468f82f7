"""Replacing keys, as people ask for it: by a serial, announced, by a schedule, back again, and from an input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.footprint import Asked, asked
from cluster.greens import kstatus, kubectl_wait
from cluster.history import CREDENTIALS, History
from cluster.keyfiles import KeyFiles
from cluster.opened import kek_of, open_stored
from cluster.shown import Object, answered, condition_of, generated, imported, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.credential_secret import reseal_record

STAYS: Final = {"overlap": "1h"}
READY: Final = {"Ready": "True"}
ANNOUNCED: Final = {"Ready": "True", "RotationStaged": "True"}


@pytest.fixture(scope="module")
def key_ring(cluster: Cluster, workspace: Workspace) -> Iterator[Desk]:
    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        yield key_ring


@pytest.fixture
def ready(desk: Desk, name: str) -> Object:
    """A generated credential of the test's name, whose previous keys stay."""
    desk.create(name, generated() | {"rotation": STAYS})
    return desk.until(name, "Available")


def ask(desk: Desk, name: str, **rotation: Any) -> None:
    desk.edit(name, {"rotation": rotation})


def key_of(found: Object) -> tuple[int, str]:
    """Number and fingerprint of the key in use."""
    return found["status"]["keyNumber"], found["status"]["fingerprint"]


def other_key(found: Object, member: str) -> str | None:
    fingerprint: str | None = found["status"].get(member, {}).get("fingerprint")
    return fingerprint


def until_key(desk: Desk, name: str, number: int) -> Object:
    return desk.until_object(
        name, lambda found: (found["status"].get("keyNumber"), answered(found)) == (number, True), f"at key {number}"
    )


def announced(desk: Desk, name: str) -> list[str]:
    return [event.reason for event in desk.events(name)]


# --- a serial


def test_nobody_takes_it_for_done_before_the_key_that_was_asked_for_is_in_use(
    cluster: Cluster, desk: Desk, name: str, ready: Object
) -> None:
    """Neither `kubectl wait` itself, nor by any revision that ever was; and the same for who goes by kstatus."""
    with History(cluster, [desk.namespace]) as history:
        keys = [key_of(ready)]
        for serial in range(1, 6):
            ask(desk, name, serial=serial)
            desk.wait_for_ready([name])
            keys.append(key_of(desk.get(name)))
        seen = [one.object for one in history.complete() if (one.resource, one.name) == (CREDENTIALS, name)]

    assert [number for number, _ in keys] == [1, 2, 3, 4, 5, 6]
    assert len({fingerprint for _, fingerprint in keys}) == 6
    done = [found for found in seen if kubectl_wait(found) or kstatus(found) == "Current"]
    assert {found["spec"]["rotation"]["serial"] for found in done} == {1, 2, 3, 4, 5}
    assert [found for found in done if key_of(found) != keys[found["spec"]["rotation"]["serial"]]] == []


def test_a_serial_may_be_raised_by_more_than_one_and_asks_for_one_key(desk: Desk, name: str, ready: Object) -> None:
    ask(desk, name, serial=2**53)

    rotated = until_key(desk, name, 2)

    assert rotated["status"]["rotationSerial"] == 2**53
    assert (states_of(rotated), other_key(rotated, "previous")) == (READY, ready["status"]["fingerprint"])
    assert desk.until_event(name, "Promoted").note == (
        f"The key is now {rotated['status']['fingerprint']}; before it was {ready['status']['fingerprint']}."
    )


def test_a_serial_that_falls_is_noted_and_changes_nothing(desk: Desk, name: str, ready: Object) -> None:
    ask(desk, name, serial=3)
    rotated, stored = until_key(desk, name, 2), desk.stored(name)

    ask(desk, name, serial=1)

    fallen = desk.until_object(name, lambda found: "SerialIgnored" in found["status"].get("notes", []), "noted")
    assert answered(fallen)
    assert (states_of(fallen), key_of(fallen)) == (READY, key_of(rotated))
    assert fallen["status"]["rotationSerial"] == 3
    assert desk.stored(name) == stored
    ask(desk, name, serial=3)
    assert "notes" not in desk.until_object(name, answered, "answered")["status"]


def test_another_algorithm_comes_with_the_next_key(desk: Desk, name: str, ready: Object) -> None:
    desk.edit(name, {"generate": {"algorithm": "ECDSA", "bits": 384}})
    stalled = desk.until(name, "AlgorithmChanged")
    assert key_of(stalled) == key_of(ready)

    ask(desk, name, serial=1)

    status = until_key(desk, name, 2)["status"]
    assert (status["algorithm"], status["bits"]) == ("ECDSA", 384)
    desk.until(name, "Available")


# --- announced


def test_a_key_is_announced_then_used_and_the_one_before_ends(desk: Desk, name: str, ready: Object) -> None:
    ask(desk, name, serial=1, prepare="2s", overlap="2s")

    staged = desk.until_object(name, lambda found: "next" in found["status"], "staged")
    following = staged["status"]["next"]
    assert (states_of(staged), answered(staged), key_of(staged)) == (ANNOUNCED, True, key_of(ready))
    assert condition_of(staged, "RotationStaged")["message"].startswith(
        f"The next key {following['fingerprint']} is used from {following['promotesAt']} on."
    )
    assert condition_of(staged, "RotationStaged")["observedGeneration"] == staged["metadata"]["generation"]

    promoted = until_key(desk, name, 2)
    assert datetime.now(UTC) >= datetime.fromisoformat(following["promotesAt"])
    assert (states_of(promoted), promoted["status"]["publicKey"]) == (READY, following["publicKey"])
    assert other_key(promoted, "previous") == ready["status"]["fingerprint"]
    assert condition_of(promoted)["lastTransitionTime"] == condition_of(ready)["lastTransitionTime"]
    made = datetime.fromisoformat(promoted["status"]["createdAt"])
    assert datetime.fromisoformat(following["promotesAt"]) - made == timedelta(seconds=2)

    over = desk.until_object(name, lambda found: "previous" not in found["status"], "without the previous key")
    assert datetime.now(UTC) >= datetime.fromisoformat(promoted["status"]["previous"]["until"])
    assert (states_of(over), key_of(over)) == (READY, key_of(promoted))
    assert announced(desk, name)[:2] == ["Staged", "Promoted"]


def test_a_serial_that_is_raised_while_a_key_is_announced_is_answered_by_that_key(
    desk: Desk, name: str, ready: Object
) -> None:
    ask(desk, name, serial=1, prepare="3s")
    staged = desk.until_object(name, lambda found: "next" in found["status"], "staged")

    ask(desk, name, serial=5)

    answer = desk.until_object(name, lambda found: found["status"]["rotationSerial"] == 5, "answered")
    assert (states_of(answer), key_of(answer)) == (ANNOUNCED, key_of(ready))
    assert answer["status"]["next"] == staged["status"]["next"]
    assert key_of(until_key(desk, name, 2)) == (2, staged["status"]["next"]["fingerprint"])
    assert "next" not in desk.get(name)["status"]


# --- a schedule


def test_a_key_that_is_as_old_as_the_schedule_allows_is_replaced(
    desk: Desk, key_ring: Desk, name: str, ready: Object
) -> None:
    """The least schedule is an hour, so the record is made to say that the key is two hours old."""
    ask(desk, name, every="1h")
    planned = desk.until_object(name, answered, "answered")
    made = datetime.fromisoformat(ready["status"]["createdAt"])
    assert planned["status"]["rotatesAt"] == format_timestamp(made + timedelta(hours=1))
    assert key_of(planned) == key_of(ready)

    record = open_stored(desk, name, key_ring).record
    old = replace(record.current_key, created_at=format_timestamp(made - timedelta(hours=2)))
    aged = reseal_record(replace(record, keys=(old,)), kek_of(desk.namespace_uid(), key_ring), desk.namespace, name)
    desk.change_secret(secret_of(name), data={"record": aged})

    rotated = until_key(desk, name, 2)["status"]
    assert datetime.fromisoformat(rotated["rotatesAt"]) == datetime.fromisoformat(rotated["createdAt"]) + timedelta(
        hours=1
    )
    assert rotated["rotationSerial"] == 0
    assert rotated["previous"]["fingerprint"] == ready["status"]["fingerprint"]


# --- back


@pytest.fixture
def rotated(desk: Desk, name: str, ready: Object) -> Object:
    """The same credential with its second key."""
    ask(desk, name, serial=1)
    return until_key(desk, name, 2)


def test_a_way_back_is_gone_once(desk: Desk, name: str, ready: Object, rotated: Object) -> None:
    first, second = ready["status"]["fingerprint"], rotated["status"]["fingerprint"]
    ask(desk, name, rollbackTo=first)
    back = until_key(desk, name, 3)
    assert (back["status"]["publicKey"], other_key(back, "previous")) == (ready["status"]["publicKey"], second)
    assert (states_of(back), back["status"]["rotationSerial"]) == (READY, 1)
    assert back["status"]["createdAt"] == ready["status"]["createdAt"]

    ask(desk, name, serial=2)  # rollbackTo still stands in the spec, as in Git
    onwards = until_key(desk, name, 4)
    assert onwards["status"]["fingerprint"] not in {first, second}
    desk.edit(name, {"description": "a look at it again"})
    assert key_of(desk.until(name, "Available")) == key_of(onwards)

    ask(desk, name, rollbackTo=None)
    assert key_of(desk.until(name, "Available")) == key_of(onwards)
    ask(desk, name, rollbackTo=first)
    assert key_of(until_key(desk, name, 5)) == (5, first)


def test_a_way_back_to_the_key_in_use_changes_no_key(desk: Desk, name: str, rotated: Object) -> None:
    ask(desk, name, rollbackTo=rotated["status"]["fingerprint"])

    same = desk.until(name, "Available")
    assert {k: v for k, v in same["status"].items() if k not in {"conditions", "observedGeneration"}} == {
        k: v for k, v in rotated["status"].items() if k not in {"conditions", "observedGeneration"}
    }


def test_a_way_back_to_a_key_that_is_not_stored_is_noted_and_changes_no_key(
    desk: Desk, name: str, rotated: Object
) -> None:
    ask(desk, name, rollbackTo="SHA256:" + "A" * 43)

    noted = desk.until(name, "Available")

    assert (states_of(noted), key_of(noted)) == (READY, key_of(rotated))
    assert noted["status"]["notes"] == ["RollbackTargetMissing"]
    ask(desk, name, rollbackTo=None)
    assert "notes" not in desk.until(name, "Available")["status"]


def test_a_serial_and_a_way_back_in_one_edit_give_a_new_key_first_and_then_the_old_one(
    desk: Desk, name: str, ready: Object
) -> None:
    first = ready["status"]["fingerprint"]

    ask(desk, name, serial=1, rollbackTo=first)

    back = until_key(desk, name, 3)
    assert (key_of(back), back["status"]["rotationSerial"]) == ((3, first), 1)
    assert other_key(back, "previous") not in {None, first}


# --- from an input


@pytest.fixture
def brought(desk: Desk, name: str, key_files: KeyFiles) -> Object:
    """A credential whose key came from a Secret of the test's name."""
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name) | {"rotation": STAYS})
    return desk.until(name, "Available")


def test_a_raised_serial_reads_the_input_again_and_the_same_key_is_no_other(
    desk: Desk, name: str, brought: Object
) -> None:
    ask(desk, name, serial=1)

    same = desk.until(name, "Available")

    assert same["status"]["rotationSerial"] == 1
    assert (key_of(same), other_key(same, "previous")) == (key_of(brought), None)
    assert announced(desk, name) == ["Imported"]


def test_a_raised_serial_takes_another_key_from_the_input(
    desk: Desk, name: str, brought: Object, key_files: KeyFiles
) -> None:
    another = key_files.key(which="another")
    desk.change_secret(name, data={"ssh-privatekey": another.content})
    ask(desk, name, serial=1)

    rotated = until_key(desk, name, 2)

    assert rotated["status"]["fingerprint"] == another.fingerprint
    assert other_key(rotated, "previous") == brought["status"]["fingerprint"]


def test_a_raised_serial_waits_for_an_input_that_is_gone_and_goes_on_by_itself(
    desk: Desk, name: str, brought: Object, key_files: KeyFiles
) -> None:
    desk.delete_secret(name)
    ask(desk, name, serial=1)

    waiting = desk.until(name, "InputSecretMissing")
    assert states_of(waiting) == {"Ready": "False", "Reconciling": "True"}
    assert key_of(waiting) == key_of(brought)

    another = key_files.key(which="another")
    desk.make_secret(name, {"ssh-privatekey": another.content})
    assert key_of(until_key(desk, name, 2)) == (2, another.fingerprint)


# --- what it costs

COSTS: Final[dict[str, tuple[dict[str, Any], int, int, list[str]]]] = {
    "a serial": ({"serial": 1}, 1, 1, ["Promoted"]),
    "a serial, announced": ({"serial": 1, "prepare": "1h"}, 1, 1, ["Staged"]),
    "no way back": ({"rollbackTo": "SHA256:" + "A" * 43}, 1, 1, []),
    "other times": ({"prepare": "1h", "overlap": "1h"}, 0, 1, []),
}
"""An edit, the writes of Secret and status that follow, and the events."""


def test_a_change_costs_three_writes_at_most(embedded: ControlPlane, desk: Desk, name: str) -> None:
    names = {change: f"{name}-{number}" for number, change in enumerate(COSTS)}
    desk.apply({each: generated() for each in names.values()})
    desk.wait_for_ready(list(names.values()))
    desk.create(f"{name}-before", generated())
    desk.until(f"{name}-before", "Available")
    began = embedded.audit_mark()
    for change, each in names.items():
        ask(desk, each, **COSTS[change][0])
    for each in names.values():
        desk.until(each, "Available")
    desk.create(f"{name}-after", generated())
    desk.until(f"{name}-after", "Available")

    for change, each in names.items():
        _, of_secret, of_status, events = COSTS[change]
        secret = Asked("patch", "secrets", desk.namespace, secret_of(each))
        status = Asked("patch", "sshcredentials/status", desk.namespace, each)
        wanted = [secret] * of_secret + [status] * of_status
        assert written(embedded, began, {each, secret_of(each)}, status) == wanted, change
        assert announced(desk, each) == events
        assert len(wanted) + len(events) <= 3


def written(plane: ControlPlane, began: Any, names: set[str], last: Asked) -> list[Asked]:
    """What the operator wrote of these objects, when the log has come to the last of it."""

    def found() -> list[Asked]:
        all_of_it = [asked(event) for event in plane.audit_events(began) if event.user == "operator"]
        writes = [one for one in all_of_it if one.writes and one.name in names]
        return writes if last in writes else []

    return wait_until(found, f"the audit log tells of {last}")
