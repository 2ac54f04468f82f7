"""Creating an export is no way to a private key: whoever names a credential needs the verb export on it."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Exports, export, exports_of, said
from cluster.export_specs import PLAIN, sealed
from cluster.rights import Right, grant, grant_role, revoke, wait_for_right
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until

POLICY: Final = "sshcredential-operator-export"
GROUP: Final = "sshcredentials.dev"
CREDENTIALS: Final = f"sshcredentials.{GROUP}"
EXPORTS: Final = f"sshcredentialexports.{GROUP}"
EDIT: Final = ("get", "list", "create", "update", "patch", "delete")
SEALED: Final = sealed()
NOT_HERS: Final = "alice may not export SSHCredential hpc-login, which spec.credentialRef names"


@pytest.fixture(scope="module", autouse=True)
def policy_in_force(cluster: Cluster) -> None:
    """A policy that was just applied takes a moment: carol, who may not export, is refused from then on."""
    grant(cluster, "default", "carol", EXPORTS, EDIT)
    with exports_of(cluster, "default", "carol") as carol:
        wait_until(lambda: POLICY in said(carol.attempt(export(PLAIN))), f"{POLICY} is in force")


@pytest.fixture
def workspace(cluster: Cluster, namespace: str) -> str:
    """A namespace where alice may write credentials and exports, and export nothing."""
    grant_role(cluster, namespace, "alice", "sshcredential-editor", Right("create", "sshcredentialexports", GROUP))
    return namespace


@pytest.fixture
def alice(cluster: Cluster, workspace: str) -> Iterator[Exports]:
    with exports_of(cluster, workspace, "alice") as alice:
        yield alice


@pytest.fixture
def not_hers(cluster: Cluster, workspace: str) -> None:
    """An export in alice's workspace of a credential that she may not export."""
    with exports_of(cluster, workspace) as admin:
        assert said(admin.create(PLAIN)) == ""


def may_export(cluster: Cluster, workspace: str, *names: str) -> str:
    return grant(cluster, workspace, "alice", CREDENTIALS, ["export"], names=names)


@pytest.mark.parametrize("spec", [PLAIN, SEALED], ids=["a plain copy", "a copy for a recipient"])
def test_who_may_not_export_is_told_what_to_do(cluster: Cluster, workspace: str, spec: dict[str, Any]) -> None:
    command = ("apply", "--namespace", workspace, "-f", "-")
    stderr = cluster.kubectl(*command, user="alice", input=json.dumps(export(spec)), check=False).stderr.strip()

    assert stderr.startswith("Error from server (Forbidden): ")
    assert f"{NOT_HERS}; ask for the verb export on it in namespace {workspace} (ClusterRole " in stderr
    assert stderr.count("\n") == 0


@pytest.mark.parametrize("spec", [PLAIN, SEALED], ids=["a plain copy", "a copy for a recipient"])
def test_who_may_export_the_named_credential_may(
    cluster: Cluster, workspace: str, alice: Exports, spec: dict[str, Any]
) -> None:
    may_export(cluster, workspace, "hpc-login")

    assert said(alice.create(spec)) == ""


def test_the_exporter_may_export_every_credential_of_the_workspace(
    cluster: Cluster, workspace: str, alice: Exports
) -> None:
    grant_role(cluster, workspace, "alice", "sshcredential-exporter", Right("export", "sshcredentials", GROUP))

    assert said(alice.create(PLAIN)) == ""
    assert said(alice.patch({"spec": {"credentialRef": {"name": "another"}}})) == ""


@pytest.mark.parametrize(
    ("resource", "verbs", "names"),
    [
        pytest.param(CREDENTIALS, ["export"], ["another"], id="to export another"),
        pytest.param(CREDENTIALS, ["use", "report", "deletecollection"], [], id="to use it"),
        pytest.param(EXPORTS, ["export"], [], id="to export on the export"),
        pytest.param("secrets", ["get", "list", "create", "export"], [], id="to everything with Secrets"),
        pytest.param("sshcredentials", ["export"], [], id="of another API group"),
    ],
)
def test_this_right_is_not_enough(
    cluster: Cluster, workspace: str, alice: Exports, resource: str, verbs: list[str], names: list[str]
) -> None:
    grant(cluster, workspace, "alice", resource, verbs, names=names)

    assert NOT_HERS in said(alice.create(PLAIN))


def test_the_right_in_another_namespace_is_not_enough(cluster: Cluster, alice: Exports) -> None:
    right = may_export(cluster, "default", "hpc-login")

    assert NOT_HERS in said(alice.create(PLAIN))
    revoke(cluster, "default", right)


def test_an_administrator_of_the_namespace_is_no_exporter(cluster: Cluster, workspace: str, alice: Exports) -> None:
    grant_role(cluster, workspace, "alice", "admin", Right("create", "secrets"))

    assert NOT_HERS in said(alice.create(PLAIN))


@pytest.mark.parametrize(
    "role", ["sshcredential-exporter", "sshcredential-operator-workspace"], ids=["exporter", "operator"]
)
def test_an_administrator_of_the_namespace_cannot_give_himself_the_role(
    cluster: Cluster, workspace: str, role: str
) -> None:
    right = Right("create", "rolebindings", "rbac.authorization.k8s.io")
    grant_role(cluster, workspace, "alice", "admin", right)

    command = ("create", "rolebinding", "mine", "--user=alice", f"--clusterrole={role}", "--namespace", workspace)
    refused = cluster.kubectl(*command, user="alice", check=False)

    assert refused.returncode != 0
    assert "attempting to grant RBAC permissions not currently held" in refused.stderr


def test_a_change_to_another_credential_is_asked_about(cluster: Cluster, workspace: str, alice: Exports) -> None:
    may_export(cluster, workspace, "hpc-login")
    alice.create(PLAIN)

    changed = alice.patch({"spec": {"credentialRef": {"name": "root-login"}}})

    assert "alice may not export SSHCredential root-login" in said(changed)


def test_a_replacement_is_asked_about_as_well(cluster: Cluster, workspace: str, alice: Exports) -> None:
    may_export(cluster, workspace, "hpc-login")
    alice.create(PLAIN)
    manifest = json.dumps(export(PLAIN | {"credentialRef": {"name": "root-login"}}))

    for command in (("replace",), ("apply", "--server-side", "--force-conflicts")):
        refused = cluster.kubectl(
            *command, "--namespace", workspace, "-f", "-", user="alice", input=manifest, check=False
        )
        assert "alice may not export SSHCredential root-login" in refused.stderr


@pytest.mark.usefixtures("not_hers")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"secretName": "her-copy"}, id="where the copy goes"),
        pytest.param({"expiresAfter": "8h"}, id="how long it lives"),
        pytest.param({"passphrase": "Strip"}, id="without its passphrase"),
        pytest.param({"profile": None, "recipient": SEALED["recipient"]}, id="for herself"),
    ],
)
def test_any_change_of_the_spec_is_asked_about(alice: Exports, change: dict[str, Any]) -> None:
    assert NOT_HERS in said(alice.patch({"spec": change}))


@pytest.mark.usefixtures("not_hers")
def test_what_changes_no_spec_is_not_asked_about(alice: Exports) -> None:
    assert said(alice.patch({"spec": PLAIN})) == ""
    assert said(alice.patch({"metadata": {"labels": {"team": "genomics"}, "finalizers": ["example.com/test"]}})) == ""
    assert said(alice.patch({"metadata": {"finalizers": None}})) == ""


@pytest.mark.usefixtures("not_hers")
def test_a_status_is_not_asked_about(cluster: Cluster, workspace: str) -> None:
    grant(cluster, workspace, "bob", f"sshcredentialexports/status.{GROUP}", ["patch"])
    grant(cluster, workspace, "bob", EXPORTS, ["report"])

    with exports_of(cluster, workspace, "bob") as bob:
        assert said(bob.patch_status({"observedGeneration": 1, "keyNumber": 1})) == ""


@pytest.mark.usefixtures("not_hers")
def test_deletion_is_never_held_up(alice: Exports) -> None:
    assert said(alice.delete()) == ""


def test_a_right_that_was_taken_back_no_longer_counts(cluster: Cluster, workspace: str, alice: Exports) -> None:
    right = may_export(cluster, workspace, "hpc-login")
    alice.create(PLAIN)
    assert said(alice.patch({"spec": {"username": "git"}})) == ""

    revoke(cluster, workspace, right)
    gone = Right("export", "sshcredentials", GROUP, workspace, "hpc-login")
    wait_for_right(cluster, "alice", gone, allowed=False)

    assert NOT_HERS in said(alice.patch({"spec": {"username": "me"}}))
