"""A backup is put back: objects have new uids, credentials no status, and there is no order. The key is the same.

Or it is not to be had: in a namespace that was made anew nothing opens that was stored in the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from cluster.desk import Desk
from cluster.installation import USER, Installation, installation_of
from cluster.rights import grant_workspace
from cluster.shown import Object, data_of, generated, message_of, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.kek import FIRST_SLOT, kek_secret_name

SPEC: Final = generated() | {"rotation": {"serial": 1, "overlap": "1h"}}
STALLS: Final = {"Ready": "False", "Stalled": "True"}
ORPHANS: Final = "sshcredential_operator_orphaned_secrets"


def facts(found: Object) -> dict[str, Any]:
    return {name: value for name, value in found["status"].items() if name not in {"conditions", "observedGeneration"}}


# --- in the same namespace


class Saved(NamedTuple):
    """A credential with a key in use and a previous one, and its Secret; neither is there any more."""

    credential: Object
    secret: Object


@pytest.fixture
def saved(desk: Desk, name: str) -> Saved:
    desk.create(name, generated() | {"rotation": {"overlap": "1h"}})
    desk.until(name, "Available")
    desk.edit(name, SPEC)
    credential = desk.until_object(name, lambda found: found["status"].get("keyNumber") == 2, "rotated")
    secret = desk.stored(name)
    desk.delete(name)
    desk.until_marked(name)
    desk.delete_secret(secret_of(name))
    return Saved(credential, secret)


def test_the_secret_first(desk: Desk, name: str, saved: Saved) -> None:
    brought = desk.put_back(saved.secret)
    desk.create(name, SPEC)

    back = desk.until(name, "Available")

    assert facts(back) == facts(saved.credential)
    assert back["metadata"]["uid"] != saved.credential["metadata"]["uid"]
    assert data_of(desk.stored(name)) == data_of(brought)
    assert brought["metadata"]["uid"] != saved.secret["metadata"]["uid"]
    desk.until_event(name, "Adopted")


def test_the_credential_first_suspended(desk: Desk, name: str, saved: Saved) -> None:
    desk.create(name, SPEC | {"suspend": True})
    desk.until_object(name, lambda found: states_of(found) == {"Ready": "Unknown"}, "looked at")
    desk.put_back(saved.secret)
    desk.edit(name, {"suspend": False})

    assert facts(desk.until(name, "Available")) == facts(saved.credential)
    assert data_of(desk.stored(name)) == data_of(saved.secret)


def test_the_credential_with_its_status_first(desk: Desk, name: str, saved: Saved) -> None:
    """As by a backup program that restores statuses. No key is made, for there was one."""
    desk.create(name, SPEC | {"suspend": True})
    desk.write_status(name, facts(saved.credential))
    desk.edit(name, {"suspend": False})
    lost = desk.until(name, "SecretLost")
    assert desk.secret(secret_of(name)) is None
    assert lost["status"]["fingerprint"] == saved.credential["status"]["fingerprint"]

    desk.put_back(saved.secret)

    assert facts(desk.until(name, "Available")) == facts(saved.credential)


def test_the_credential_first_gets_a_key_of_its_own_and_the_old_one_comes_back_by_starting_over(
    desk: Desk, name: str, saved: Saved
) -> None:
    desk.create(name, SPEC)
    own = desk.until(name, "Available")
    assert own["status"]["fingerprint"] != saved.credential["status"]["fingerprint"]

    desk.delete_secret(secret_of(name))
    brought = desk.put_back(saved.secret)
    tampered = desk.until(name, "SecretTampered")
    assert states_of(tampered) == STALLS
    assert desk.stored(name) == brought

    desk.delete(name)
    desk.create(name, SPEC)
    assert facts(desk.until(name, "Available")) == facts(saved.credential)


# --- in a namespace that was made anew


class Anew(NamedTuple):
    """An operator with two workspaces, of which the first was deleted and made again under the same name."""

    installed: Installation
    desk: Desk
    other: Desk
    key_ring: Desk
    uid_before: str
    credential: Object
    secret: Object


@pytest.fixture(scope="module")
def anew(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anew]:
    folder = tmp_path_factory.mktemp("anew")
    with installation_of(cluster, namespaces, folder, workspaces=2) as (installed, (desk, other), key_ring):
        installed.start()
        desk.create("saved", generated())
        credential, secret = desk.until("saved", "Available"), desk.stored("saved")
        uid = desk.namespace_uid()
        cluster.kubectl("delete", "namespace", desk.namespace, "--wait", "--timeout=60s")
        cluster.kubectl("create", "namespace", desk.namespace)
        grant_workspace(cluster, desk.namespace, USER)
        yield Anew(installed, desk, other, key_ring, uid, credential, secret)


@pytest.mark.parametrize("first", ["Secret", "credential with its status"])
def test_what_was_stored_before_is_told_to_be_unavailable_and_left_as_it_is(anew: Anew, first: str) -> None:
    if first == "Secret":
        brought = anew.desk.put_back(anew.secret)
        anew.desk.create("saved", generated())
    else:
        anew.desk.create("saved", generated() | {"suspend": True})
        anew.desk.write_status("saved", facts(anew.credential))
        brought = anew.desk.put_back(anew.secret)
        anew.desk.edit("saved", {"suspend": False})

    told = anew.desk.until("saved", "KeyUnavailable")

    assert states_of(told) == STALLS
    assert "(the namespace was made anew, or the key ring was lost)" in message_of(told)
    assert anew.desk.stored("saved") == brought
    anew.desk.delete("saved")
    anew.desk.delete_secret(secret_of("saved"))


def test_who_starts_over_there_gets_a_key_under_another_key_of_the_workspace_and_the_old_one_is_kept(
    anew: Anew, name: str
) -> None:
    anew.desk.create(name, generated())

    fresh = anew.desk.until(name, "Available")

    assert fresh["status"]["encryption"]["keyId"] != anew.credential["status"]["encryption"]["keyId"]
    uids = (anew.uid_before, anew.desk.namespace_uid())
    assert len(set(uids)) == 2
    assert all(anew.key_ring.secret(kek_secret_name(uid, FIRST_SLOT)) for uid in uids)


# --- what is left of credentials that are gone


def test_what_waits_for_its_end_is_counted_over_a_restart(anew: Anew, name: str) -> None:
    kept, gone = f"{name}-kept", f"{name}-gone"
    anew.other.create(kept, generated() | {"deletionPolicy": "Retain"})
    anew.other.create(gone, generated() | {"deletionGracePeriod": "4s"})
    for each in (kept, gone):
        anew.other.until(each, "Available")
    until_counted(anew.installed, 0)

    anew.other.delete(kept, gone)
    anew.other.until_marked(gone)
    until_counted(anew.installed, 2)
    anew.installed.operator.kill()
    anew.installed.start()

    anew.other.until_gone(gone)
    until_counted(anew.installed, 1)
    anew.other.create(kept, generated() | {"deletionPolicy": "Retain"})
    anew.other.until(kept, "Available")
    until_counted(anew.installed, 0)


def until_counted(installed: Installation, count: int) -> None:
    def counted() -> bool:
        return ORPHANS in installed.operator.get("/metrics")[1] and installed.operator.metric(ORPHANS) == count

    wait_until(counted, f"{count} orphans are counted")
