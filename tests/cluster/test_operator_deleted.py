"""What becomes of a key after its credential is deleted: it waits, it comes back, it is destroyed, or it is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.keyfiles import KeyFiles
from cluster.opened import open_stored
from cluster.shown import OURS, Object, generated, imported, mark_of, message_of, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until

AT_ONCE: Final = {"deletionGracePeriod": "0s"}
RETAIN: Final = {"deletionPolicy": "Retain"}
SAME: Final = ("credentialId", "keyNumber", "fingerprint", "publicKey", "createdAt")


def key_of(found: Object) -> dict[str, Any]:
    return {name: found["status"].get(name) for name in SAME}


@pytest.fixture
def others_come_and_go(desk: Desk, name: str) -> Any:
    """Proof by order that the operator has done what it wanted to do about earlier deletions: a whole life went by."""

    def live() -> None:
        desk.create(f"{name}-later", generated() | AT_ONCE)
        desk.until(f"{name}-later", "Available")
        desk.delete(f"{name}-later")
        desk.until_gone(f"{name}-later")

    return live


def test_a_deleted_credential_gets_its_key_again_when_it_comes_back(desk: Desk, name: str) -> None:
    desk.apply({name: generated()})
    desk.wait_for_ready([name])
    ready = desk.get(name)

    desk.delete(name)
    waiting = desk.until_marked(name)
    assert mark_of(waiting) is not None
    desk.apply({name: generated()})

    desk.wait_for_ready([name])
    back = desk.get(name)
    assert key_of(back) == key_of(ready)
    assert back["metadata"]["uid"] != ready["metadata"]["uid"]
    assert mark_of(desk.stored(name)) is None
    assert desk.stored(name)["metadata"]["uid"] == waiting["metadata"]["uid"]
    assert [event.reason for event in desk.events(name) if event.reason != "Stalled"] == ["Adopted"]


def test_a_key_is_destroyed_at_once_where_the_user_wants_it(desk: Desk, name: str) -> None:
    desk.create(name, generated() | AT_ONCE)
    desk.until(name, "Available")

    desk.delete(name)

    desk.until_gone(name)


def test_a_key_waits_for_its_grace_period_and_is_destroyed_after_it(
    desk: Desk, name: str, embedded: ControlPlane
) -> None:
    desk.create(name, generated() | {"deletionGracePeriod": "2s"})
    desk.until(name, "Available")
    began = embedded.audit_mark()

    desk.delete(name)
    marked_at = datetime.fromisoformat(str(mark_of(desk.until_marked(name))))
    desk.until_gone(name)

    def destroyed() -> list[datetime]:
        return [
            datetime.fromisoformat(event.raw["requestReceivedTimestamp"])
            for event in embedded.audit_events(began)
            if (event.user, event.verb, event.resource, event.name)
            == ("operator", "delete", "secrets", secret_of(name))
        ]

    (destroyed_at,) = wait_until(destroyed, "the deletion is in the audit log")
    assert destroyed_at.astimezone(UTC) - marked_at >= timedelta(seconds=2)


def test_a_retained_key_stays_and_is_adopted(desk: Desk, name: str, others_come_and_go: Any) -> None:
    desk.create(name, generated() | RETAIN | AT_ONCE)
    ready, stored = desk.until(name, "Available"), desk.stored(name)

    desk.delete(name)
    others_come_and_go()

    assert desk.stored(name) == stored
    desk.create(name, generated() | RETAIN | AT_ONCE)
    assert key_of(desk.until(name, "Available")) == key_of(ready)
    desk.until_event(name, "Adopted")


def test_a_policy_that_is_changed_later_is_the_one_that_counts(
    cluster: Cluster, workspace: Workspace, desk: Desk, name: str, others_come_and_go: Any
) -> None:
    kept, gone = f"{name}-kept", f"{name}-gone"
    desk.create(kept, generated() | AT_ONCE)
    desk.create(gone, generated() | RETAIN)
    for each in (kept, gone):
        desk.until(each, "Available")

    desk.edit(kept, RETAIN)
    desk.edit(gone, {"deletionPolicy": "Delete", **AT_ONCE})
    for each in (kept, gone):
        desk.until(each, "Available")

    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        records = [open_stored(desk, each, key_ring).record for each in (kept, gone)]
    assert [(r.deletion_policy, r.deletion_grace_period) for r in records] == [("Retain", "0s"), ("Delete", "0s")]
    desk.delete(kept, gone)
    desk.until_gone(gone)
    others_come_and_go()
    assert mark_of(desk.stored(kept)) is None


def test_a_key_that_was_lost_before_is_no_hindrance(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    ready = desk.until(name, "Available")
    desk.delete_secret(secret_of(name))
    desk.until(name, "SecretLost")

    desk.delete(name)
    desk.create(name, generated())

    assert desk.until(name, "Available")["status"]["fingerprint"] != ready["status"]["fingerprint"]


def test_a_deletion_never_waits_for_the_operator(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    assert "finalizers" not in desk.until(name, "Available")["metadata"]


# --- what is not ours, or says that it is another's


def owner(kind: str, found: Object) -> Object:
    version = "v1" if kind == "ConfigMap" else "sshcredentials.dev/v1alpha1"
    return {"apiVersion": version, "kind": kind, "name": found["metadata"]["name"], "uid": found["metadata"]["uid"]}


@pytest.mark.parametrize("kind", [OURS, "Opaque"])
def test_a_secret_that_claims_to_be_owned_by_the_credential_is_not_taken_for_ours(
    desk: Desk, name: str, kind: str
) -> None:
    fresh = desk.create(name, generated() | {"suspend": True})
    forged = desk.make_secret(secret_of(name), {"x": b"y"}, kind=kind, owner=owner("SSHCredential", fresh))

    desk.edit(name, {"suspend": False})

    desk.until(name, "SecretTampered" if kind == OURS else "SecretConflict")
    assert desk.secret(secret_of(name)) == forged


def test_another_owner_does_not_save_a_key_from_its_end(cluster: Cluster, desk: Desk, name: str) -> None:
    cluster.kubectl("create", "configmap", name, "-n", desk.namespace)
    uid = cluster.kubectl("get", "configmap", name, "-n", desk.namespace, "-o", "jsonpath={.metadata.uid}").stdout
    desk.create(name, generated() | AT_ONCE)
    ready = desk.until(name, "Available")

    forged = owner("ConfigMap", {"metadata": {"name": name, "uid": uid}})
    desk.change_secret(secret_of(name), ownerReferences=[forged])
    assert key_of(desk.until(name, "Available")) == key_of(ready)

    desk.delete(name)
    desk.until_gone(name)


def test_a_secret_of_another_type_with_our_name_outlives_the_credential(
    desk: Desk, name: str, others_come_and_go: Any
) -> None:
    foreign = desk.make_secret(secret_of(name), {"password": b"hunter2"})
    desk.create(name, generated() | AT_ONCE)
    desk.until(name, "SecretConflict")

    desk.delete(name)
    others_come_and_go()

    assert desk.secret(secret_of(name)) == foreign


def test_a_changed_secret_outlives_the_credential(desk: Desk, name: str, others_come_and_go: Any) -> None:
    """What does not open may be all that is left of a key: it is not the operator's to destroy."""
    desk.create(name, generated() | AT_ONCE)
    desk.until(name, "Available")
    changed = desk.change_secret(secret_of(name), data={"note": b"to myself"})
    desk.until(name, "SecretTampered")

    desk.delete(name)
    others_come_and_go()

    assert desk.secret(secret_of(name)) == changed


# --- coming back as something else


@pytest.fixture
def differing(desk: Desk, name: str, key_files: KeyFiles) -> Object:
    """An import that was deleted, and came back with another key in its input."""
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name))
    desk.until(name, "Available")
    desk.delete(name)
    desk.until_marked(name)
    desk.change_secret(name, data={"ssh-privatekey": key_files.key(which="another").content})
    desk.create(name, imported(name))
    return desk.until(name, "AdoptedKeyDiffers")


def test_an_import_that_comes_back_with_another_key_is_told(differing: Object, key_files: KeyFiles) -> None:
    assert states_of(differing) == {"Ready": "False", "Stalled": "True"}
    assert f"({key_files.key().fingerprint})" in message_of(differing)
    assert f"({key_files.key(which='another').fingerprint})" in message_of(differing)
    assert "fingerprint" not in differing["status"]


@pytest.mark.usefixtures("differing")
def test_deleting_the_input_keeps_the_stored_key(desk: Desk, name: str, key_files: KeyFiles) -> None:
    desk.delete_secret(name)

    assert desk.until(name, "Available")["status"]["fingerprint"] == key_files.key().fingerprint


@pytest.mark.usefixtures("differing")
def test_deleting_the_stored_key_takes_the_inputs(desk: Desk, name: str, key_files: KeyFiles) -> None:
    desk.delete_secret(secret_of(name))

    taken = desk.until(name, "Available")["status"]
    assert taken["fingerprint"] == key_files.key(which="another").fingerprint


def test_a_generated_key_that_comes_back_as_another_kind_stays(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    ready = desk.until(name, "Available")
    desk.delete(name)
    desk.until_marked(name)

    desk.create(name, generated(algorithm="ECDSA"))

    stalled = desk.until(name, "AlgorithmChanged")
    assert key_of(stalled) == key_of(ready)
