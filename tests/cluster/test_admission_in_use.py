"""A credential that is in use is deleted by who means it, and by whoever cleans up after a namespace."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Credentials, credentials_of, said
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until

POLICY: Final = "sshcredential-operator-in-use"
OVERRIDE: Final = "sshcredentials.dev/delete-while-in-use"
EXPORT: Final = "SSHCredentialExport"
CONTROLLERS: Final = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
]


def users(*names: str) -> dict[str, Any]:
    return {"usedBy": [{"kind": EXPORT, "name": name} for name in names]}


@pytest.fixture
def admin(cluster: Cluster, namespace: str) -> Iterator[Credentials]:
    with credentials_of(cluster, namespace) as admin:
        yield admin


@pytest.fixture
def used(admin: Credentials) -> Credentials:
    """The credentials of a namespace where hpc-login is used by one export."""
    return make_used(admin, "git")


def make_used(admin: Credentials, *names: str) -> Credentials:
    """Make a credential that is used; return when the policy is in force, which takes a moment after it was applied."""
    assert said(admin.create({"generate": {}})) == ""
    assert said(admin.patch_status(users(*names))) == ""
    wait_until(lambda: POLICY in said(admin.delete("hpc-login", dry_run="All")), f"{POLICY} is in force")
    return admin


def delete_as(cluster: Cluster, namespace: str, user: str) -> str:
    # The controllers of this control plane have one name; elsewhere each has its own.
    command = ("delete", "sshcredential", "hpc-login", "--namespace", namespace, "--as", user)
    return cluster.kubectl(*command, "--as-group=system:masters", "--dry-run=server", check=False).stderr


@pytest.mark.usefixtures("used")
def test_deletion_is_refused_with_the_users_names_and_a_way_out(cluster: Cluster, namespace: str) -> None:
    command = ("delete", "sshcredential", "hpc-login", "--namespace", namespace)
    stderr = cluster.kubectl(*command, check=False).stderr.strip()

    assert stderr.startswith("Error from server (Forbidden): ")
    sentence = f"SSHCredential hpc-login is used by {EXPORT} git; delete that first, or, to delete it all the same: "
    assert sentence in stderr
    assert stderr.count("\n") == 0

    cluster.kubectl(*stderr.partition("all the same: kubectl ")[2].split())
    cluster.kubectl(*command)


def test_of_many_users_the_first_five_are_named_and_the_rest_counted(admin: Credentials) -> None:
    names = [f"{'n' * 240}-{number:03}" for number in range(128)]
    refused = said(make_used(admin, *names).delete())

    assert f"is used by {', '.join(f'{EXPORT} {name}' for name in names[:5])} and 123 more; " in refused
    assert f"{OVERRIDE}=true" in refused
    assert len(refused) < 2048


def test_five_users_are_all_named(admin: Credentials) -> None:
    refused = said(make_used(admin, "a", "b", "c", "d", "e").delete())

    assert f"{EXPORT} a, {EXPORT} b, {EXPORT} c, {EXPORT} d, {EXPORT} e; " in refused


@pytest.mark.parametrize("status", [{}, {"observedGeneration": 1}, users()], ids=["fresh", "ready", "no longer used"])
def test_what_nobody_uses_is_deleted(admin: Credentials, status: dict[str, Any]) -> None:
    admin.create({"generate": {}})
    assert said(admin.patch_status(status)) == ""

    assert said(admin.delete()) == ""


def test_what_is_no_longer_used_is_deleted(used: Credentials) -> None:
    used.patch_status({"usedBy": None})

    assert said(used.delete()) == ""


def test_the_annotation_lets_it_be_deleted(used: Credentials) -> None:
    used.patch({"metadata": {"annotations": {"other": "true", OVERRIDE: "true"}}})

    assert said(used.delete()) == ""


@pytest.mark.parametrize("value", ["", "false", "True", "yes"])
def test_nothing_else_in_the_annotation_does(used: Credentials, value: str) -> None:
    used.patch({"metadata": {"annotations": {OVERRIDE: value}}})

    assert f"is used by {EXPORT} git" in said(used.delete())


def test_a_change_is_never_held_up(used: Credentials) -> None:
    assert said(used.patch({"spec": {"description": "the node for long jobs"}})) == ""
    assert said(used.patch_status({"observedGeneration": 2})) == ""


def test_deleting_all_leaves_those_in_use(cluster: Cluster, namespace: str, used: Credentials) -> None:
    used.create({"generate": {}}, "unused")

    assert f"is used by {EXPORT} git" in said(used.delete_all())
    # kubectl asks for one after the other; the API server stops at the first that it may not delete.
    told = cluster.kubectl("delete", "sshcredentials", "--all", "--namespace", namespace, check=False)

    assert f"is used by {EXPORT} git" in told.stderr
    found = cluster.kubectl("get", "sshcredentials", "--namespace", namespace, "-o", "name").stdout
    assert found.split() == ["sshcredential.sshcredentials.dev/hpc-login"]


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("controller", CONTROLLERS)
def test_who_cleans_up_is_not_held_up(cluster: Cluster, namespace: str, controller: str) -> None:
    assert delete_as(cluster, namespace, controller) == ""


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    "somebody",
    ["system:serviceaccount:default:namespace-controller", "namespace-controller", "system:kube-controller-manager2"],
)
def test_whose_name_is_only_similar_is(cluster: Cluster, namespace: str, somebody: str) -> None:
    assert f"is used by {EXPORT} git" in delete_as(cluster, namespace, somebody)
