"""A rotation goes through the SSHTargets of its credential. The tests report logins, as the targets process does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.conftest import StartOperator, Workspace
from cluster.credentials import Credentials, Refused, Targets, credentials_of, said, targets_of
from cluster.desk import Desk, desk_in
from cluster.rights import grant, grant_cluster, grant_operator_namespace
from cluster.shown import Object, condition_of, generated
from cluster.target_specs import PINNED
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.api.names import FORCE_PROMOTION_ANNOTATION

STAYS: Final = {"overlap": "1h"}
IN_USE: Final = "sshcredential-operator-in-use"


@pytest.fixture
def targets(cluster: Cluster, workspace: Workspace) -> Iterator[Targets]:
    """The targets of the shared workspace, as its administrator sees them."""
    with targets_of(cluster, workspace.namespace) as targets:
        yield targets


@pytest.fixture
def ready(desk: Desk, name: str) -> Object:
    """A generated credential of the test's name."""
    desk.create(name, generated() | {"rotation": STAYS})
    return desk.until(name, "Available")


def aim(targets: Targets, name: str, credential: str, **members: Any) -> None:
    """Make a target that logs in with a credential."""
    assert said(targets.create(PINNED | {"credentialRef": {"name": credential}} | members, name)) == ""


def report(targets: Targets, name: str, *fingerprints: str, **members: Any) -> None:
    """Report a probe of the target's spec as it is."""
    found = targets.patch({}, name)
    assert not isinstance(found, Refused)
    status = {"observedGeneration": found["metadata"]["generation"], "authenticatedFingerprints": [*fingerprints]}
    assert said(targets.patch_status(status | members, name)) == ""


def staged(desk: Desk, name: str, serial: int = 1) -> tuple[str, str]:
    """Ask for a key; return the fingerprints of the one in use and of the next."""
    desk.edit(name, {"rotation": {"serial": serial}})
    found = desk.until_object(name, lambda found: "next" in found["status"], "at its next key")
    return found["status"]["fingerprint"], found["status"]["next"]["fingerprint"]


def until_it_waits_for(desk: Desk, name: str, targets: str) -> Object:
    said = f"it does not log in at SSHTarget {targets}."
    return desk.until_object(name, lambda found: said in staged_message(found), f"waiting for {targets}")


def staged_message(found: Object) -> str:
    told = [c["message"] for c in found["status"]["conditions"] if c["type"] == "RotationStaged"]
    return "".join(told)


def until_key(desk: Desk, name: str, fingerprint: str) -> Object:
    return desk.until_object(name, lambda found: found["status"].get("fingerprint") == fingerprint, "at its next key")


def users(found: Object) -> list[str]:
    return [f"{user['kind']} {user['name']}" for user in found["status"].get("usedBy", [])]


def test_the_next_key_is_used_when_the_last_target_has_let_it_in(
    desk: Desk, name: str, ready: Object, targets: Targets
) -> None:
    gateway, login = f"a-{name}", f"b-{name}"
    for target in (gateway, login):
        aim(targets, target, name)
    before, wanted = staged(desk, name)
    found = until_it_waits_for(desk, name, f"{gateway}, {login}")
    assert condition_of(found, "RotationStaged")["reason"] == "WaitingForTargets"
    assert condition_of(found)["status"] == "True"
    assert users(found) == [f"SSHTarget {gateway}", f"SSHTarget {login}"]

    report(targets, login, before, wanted)
    until_it_waits_for(desk, name, gateway)
    report(targets, gateway, before, wanted)
    found = until_key(desk, name, wanted)
    assert found["status"]["previous"]["fingerprint"] == before
    assert staged_message(found) == ""
    assert [event.reason for event in desk.events(name)] == ["Staged", "Promoted"]


def test_most_probes_cost_no_pass(desk: Desk, name: str, ready: Object, targets: Targets, workspace: Workspace) -> None:
    aim(targets, f"t-{name}", name)
    before, wanted = staged(desk, name)
    report(targets, f"t-{name}", before)
    revision = until_it_waits_for(desk, name, f"t-{name}")["metadata"]["resourceVersion"]
    passes = passes_over(workspace, name)
    for minute in range(10, 20):
        report(targets, f"t-{name}", before, lastProbeAt=f"2026-01-31T12:{minute}:00Z")
    report(targets, f"t-{name}", before, wanted)
    until_key(desk, name, wanted)

    assert desk.get(name)["status"]["previous"]["fingerprint"] == before
    assert revision != desk.get(name)["metadata"]["resourceVersion"]
    assert passes_over(workspace, name) - passes < 6


def passes_over(workspace: Workspace, name: str) -> int:
    entries = workspace.operator.entries()
    return len({one["reconcile"] for one in entries if one.get("name") == name and "reconcile" in one})


def test_a_target_that_is_deleted_holds_nothing_any_more(
    desk: Desk, name: str, ready: Object, targets: Targets
) -> None:
    aim(targets, f"t-{name}", name)
    _, wanted = staged(desk, name)
    until_it_waits_for(desk, name, f"t-{name}")
    assert said(targets.delete(f"t-{name}")) == ""

    assert users(until_key(desk, name, wanted)) == []


def test_what_was_reported_of_an_earlier_spec_does_not_count(
    desk: Desk, name: str, ready: Object, targets: Targets
) -> None:
    target = f"t-{name}"
    aim(targets, target, name)
    before, wanted = staged(desk, name)
    assert said(targets.patch({"spec": {"host": "other.hpc.example.org"}}, target)) == ""
    status = {"observedGeneration": 1, "authenticatedFingerprints": [before, wanted]}
    assert said(targets.patch_status(status, target)) == ""
    desk.edit(name, {"description": "looked at once more"})
    desk.until(name, "Available")
    assert desk.get(name)["status"]["fingerprint"] == before

    report(targets, target, before, wanted)
    until_key(desk, name, wanted)


def test_a_person_may_have_one_key_used_all_the_same_and_no_other(
    desk: Desk, name: str, ready: Object, targets: Targets
) -> None:
    target = f"t-{name}"
    aim(targets, target, name)
    before, wanted = staged(desk, name)
    until_it_waits_for(desk, name, target)
    desk.annotate(name, {FORCE_PROMOTION_ANNOTATION: before})
    desk.edit(name, {"description": "looked at once more"})
    desk.until(name, "Available")
    assert desk.get(name)["status"]["fingerprint"] == before

    desk.annotate(name, {FORCE_PROMOTION_ANNOTATION: wanted})
    until_key(desk, name, wanted)
    forced = desk.until_event(name, "PromotionForced")
    assert forced.note == f"The key {wanted} is used because a person said so; SSHTarget {target} has not let it in."

    staged(desk, name, serial=2)
    until_it_waits_for(desk, name, target)


def test_a_credential_of_a_target_is_not_deleted_by_mistake(
    cluster: Cluster, desk: Desk, name: str, ready: Object, targets: Targets
) -> None:
    """Nor one that another target only begins with; that one holds no rotation."""
    bootstrap = {"manage": "Install", "bootstrap": {"credentialRef": {"name": name}}}
    aim(targets, f"t-{name}", f"other-{name}", authorizedKey=bootstrap)
    desk.until_object(name, lambda found: users(found) == [f"SSHTarget t-{name}"], "used by a target")
    desk.edit(name, {"rotation": {"serial": 1}})
    desk.until_object(name, lambda found: found["status"].get("keyNumber") == 2, "at its second key")

    with credentials_of(cluster, desk.namespace) as credentials:
        refused = wait_until(lambda: refusal(credentials, name), f"{IN_USE} is in force")
    assert f"SSHCredential {name} is used by SSHTarget t-{name}; delete that first" in refused


def refusal(credentials: Credentials, name: str) -> str:
    return said(credentials.delete(name, dry_run="All"))


def test_an_operator_with_the_role_of_an_earlier_version_holds_only_what_is_rotated(
    cluster: Cluster, namespaces: Namespaces, start_operator: StartOperator
) -> None:
    own, served, user = namespaces.create(), namespaces.create(), "operator"
    grant_operator_namespace(cluster, own, user)
    grant_cluster(cluster, user)
    for resource, verbs in YESTERDAY.items():
        grant(cluster, served, user, resource, verbs)
    start_operator(operator_namespace=own, workspaces=[served], user=user)
    with desk_in(cluster, served) as desk:
        desk.create("login", generated() | {"rotation": STAYS})
        desk.until("login", "Available")
        _, wanted = staged(desk, "login")
        held = desk.until_object(
            "login", lambda found: condition_of(found, "RotationStaged")["reason"] == "Forbidden", "held for a right"
        )
        assert "does not let the operator list sshtargets in this namespace" in staged_message(held)

        grant(cluster, served, user, "sshtargets.sshcredentials.dev", ["list", "watch"])
        until_key(desk, "login", wanted)
    for namespace in (own, served):
        namespaces.delete(namespace)


YESTERDAY: Final = {
    "sshcredentials.sshcredentials.dev": ["get", "list", "watch", "report"],
    "sshcredentialexports.sshcredentials.dev": ["get", "list", "watch", "report"],
    "sshcredentials/status.sshcredentials.dev": ["patch"],
    "sshcredentialexports/status.sshcredentials.dev": ["patch"],
    "secrets": ["get", "list", "watch", "create", "patch", "delete"],
    "namespaces": ["get"],
    "events.events.k8s.io": ["create"],
}
