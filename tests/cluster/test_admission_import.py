"""Creating a credential is no way to read a Secret: whoever names one in importFrom needs the right to get it."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Credentials, credential, credentials_of, said
from cluster.rights import Right, grant, revoke, wait_for_right
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until

POLICY: Final = "sshcredential-operator-import"
CREDENTIALS: Final = "sshcredentials.sshcredentials.dev"
EDIT: Final = ("get", "list", "create", "update", "patch", "delete")
ONE_SECRET: Final = {"importFrom": {"privateKey": {"secretName": "my-key"}, "passphrase": {"secretName": "my-key"}}}
TWO_SECRETS: Final = {"importFrom": {"privateKey": {"secretName": "my-key"}, "passphrase": {"secretName": "my-words"}}}
NOT_THE_KEY: Final = "alice may not read Secret my-key, which spec.importFrom.privateKey names"


@pytest.fixture(scope="module", autouse=True)
def policy_in_force(cluster: Cluster) -> None:
    """A policy that was just applied takes a moment: carol, who may not read Secrets, is refused from then on."""
    grant(cluster, "default", "carol", CREDENTIALS, EDIT)
    with credentials_of(cluster, "default", "carol") as carol:
        wait_until(lambda: POLICY in said(carol.attempt(credential(ONE_SECRET))), f"{POLICY} is in force")


@pytest.fixture
def workspace(cluster: Cluster, namespace: str) -> str:
    """A namespace where alice may write credentials and read no Secret."""
    grant(cluster, namespace, "alice", CREDENTIALS, EDIT)
    return namespace


@pytest.fixture
def alice(cluster: Cluster, workspace: str) -> Iterator[Credentials]:
    with credentials_of(cluster, workspace, "alice") as alice:
        yield alice


@pytest.fixture
def not_hers(cluster: Cluster, workspace: str) -> None:
    """A credential in alice's workspace that imports a Secret which she may not read."""
    with credentials_of(cluster, workspace) as admin:
        assert said(admin.create(ONE_SECRET)) == ""


@pytest.mark.parametrize("spec", [ONE_SECRET, TWO_SECRETS], ids=["one Secret", "two Secrets"])
def test_who_may_not_read_the_secret_is_told_what_to_do(cluster: Cluster, workspace: str, spec: dict[str, Any]) -> None:
    command = ("apply", "--namespace", workspace, "-f", "-")
    stderr = cluster.kubectl(*command, user="alice", input=json.dumps(credential(spec)), check=False).stderr.strip()

    assert stderr.startswith("Error from server (Forbidden): ")
    assert f"{NOT_THE_KEY}; ask for the right to get it in namespace {workspace}, or let somebody" in stderr
    assert stderr.count("\n") == 0


def test_who_may_read_the_named_secret_may_import_it(cluster: Cluster, workspace: str, alice: Credentials) -> None:
    grant(cluster, workspace, "alice", "secrets", ["get"], names=["my-key"])

    assert said(alice.create(ONE_SECRET)) == ""


def test_the_right_to_the_key_is_none_to_the_passphrase(cluster: Cluster, workspace: str, alice: Credentials) -> None:
    grant(cluster, workspace, "alice", "secrets", ["get"], names=["my-key"])

    assert "alice may not read Secret my-words, which spec.importFrom.passphrase names" in said(
        alice.create(TWO_SECRETS)
    )


def test_the_right_to_another_or_to_list_is_not_enough(cluster: Cluster, workspace: str, alice: Credentials) -> None:
    grant(cluster, workspace, "alice", "secrets", ["get"], names=["another"])
    grant(cluster, workspace, "alice", "secrets", ["list", "watch", "create"])

    assert NOT_THE_KEY in said(alice.create(ONE_SECRET))


def test_the_right_in_another_namespace_is_not_enough(cluster: Cluster, alice: Credentials) -> None:
    right = grant(cluster, "default", "alice", "secrets", ["get"], names=["my-key"])

    assert NOT_THE_KEY in said(alice.create(ONE_SECRET))
    revoke(cluster, "default", right)


def test_a_generated_key_needs_no_right_to_secrets(alice: Credentials) -> None:
    assert said(alice.create({"generate": {}})) == ""


def test_a_change_to_another_secret_is_asked_about(cluster: Cluster, workspace: str, alice: Credentials) -> None:
    grant(cluster, workspace, "alice", "secrets", ["get"], names=["my-key"])
    alice.create(ONE_SECRET)

    changed = alice.patch({"spec": {"importFrom": {"privateKey": {"secretName": "other"}}}})

    assert "alice may not read Secret other" in said(changed)


def test_a_change_from_generate_is_asked_about(alice: Credentials) -> None:
    alice.create({"generate": {}})

    assert NOT_THE_KEY in said(alice.patch({"spec": {"generate": None, **ONE_SECRET}}))


@pytest.mark.usefixtures("not_hers")
def test_any_change_of_the_spec_is_asked_about(alice: Credentials) -> None:
    assert NOT_THE_KEY in said(alice.patch({"spec": {"description": "mine"}}))


@pytest.mark.usefixtures("not_hers")
def test_labels_and_finalizers_are_not_asked_about(alice: Credentials) -> None:
    assert said(alice.patch({"metadata": {"labels": {"team": "genomics"}, "finalizers": ["example.com/test"]}})) == ""
    assert said(alice.patch({"metadata": {"finalizers": None}})) == ""


@pytest.mark.usefixtures("not_hers")
def test_another_source_is_not_asked_about(alice: Credentials) -> None:
    assert said(alice.patch({"spec": {"importFrom": None, "generate": {}}})) == ""


@pytest.mark.usefixtures("not_hers")
def test_a_status_is_never_held_up(cluster: Cluster, workspace: str) -> None:
    grant(cluster, workspace, "bob", "sshcredentials/status.sshcredentials.dev", ["patch"])
    grant(cluster, workspace, "bob", CREDENTIALS, ["report"])

    with credentials_of(cluster, workspace, "bob") as bob:
        assert said(bob.patch_status({"observedGeneration": 1, "keyNumber": 1})) == ""


@pytest.mark.usefixtures("not_hers")
def test_deletion_is_never_held_up(alice: Credentials) -> None:
    assert said(alice.delete()) == ""


@pytest.mark.usefixtures("not_hers")
def test_a_right_that_was_taken_back_no_longer_counts(cluster: Cluster, workspace: str, alice: Credentials) -> None:
    right = grant(cluster, workspace, "alice", "secrets", ["get"], names=["my-key"])
    assert said(alice.patch({"spec": {"description": "one"}})) == ""

    revoke(cluster, workspace, right)
    wait_for_right(cluster, "alice", Right("get", "secrets", namespace=workspace, name="my-key"), allowed=False)

    assert NOT_THE_KEY in said(alice.patch({"spec": {"description": "two"}}))
