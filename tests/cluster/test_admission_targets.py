"""Creating a target is no way to use a key or a password of others: its writer needs a right to each that it names."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Targets, said, target, targets_of
from cluster.rights import Right, grant, grant_role, revoke, wait_for_right
from cluster.target_specs import PINNED, bootstrapped, pinned
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until

POLICY: Final = "sshcredential-operator-target"
GROUP: Final = "sshcredentials.dev"
CREDENTIALS: Final = f"sshcredentials.{GROUP}"
TARGETS: Final = f"sshtargets.{GROUP}"
TRUST: Final = "sshcredentials.dev/trust-host-key"
EDIT: Final = ("get", "list", "create", "update", "patch", "delete")

NOT_HERS: Final = "alice may not use SSHCredential hpc-login, which spec.credentialRef names"
NO_BOOTSTRAP: Final = (
    "alice may not use SSHCredential root-login, which spec.authorizedKey.bootstrap.credentialRef names"
)
NO_PASSWORD: Final = "alice may not read Secret first, which spec.authorizedKey.bootstrap.passwordSecret names"
NO_JUMP: Final = "alice may not use SSHTarget bastion, which spec.jumpTargetRef names"

WITH_PASSWORD: Final = bootstrapped(passwordSecret={"name": "first"})
WITH_CREDENTIAL: Final = bootstrapped(credentialRef={"name": "root-login"})
THROUGH: Final = pinned(jumpTargetRef={"name": "bastion"})

Given = tuple[str, list[str], list[str]]
USE_IT: Final[Given] = (CREDENTIALS, ["use"], ["hpc-login"])


@pytest.fixture(scope="module", autouse=True)
def policy_in_force(cluster: Cluster) -> None:
    """A policy that was just applied takes a moment: carol, who may use nothing, is refused from then on."""
    grant(cluster, "default", "carol", TARGETS, EDIT)
    with targets_of(cluster, "default", "carol") as carol:
        wait_until(lambda: POLICY in said(carol.attempt(target(PINNED))), f"{POLICY} is in force")


@pytest.fixture
def workspace(cluster: Cluster, namespace: str) -> str:
    """A namespace where alice may write credentials and targets, and use nothing."""
    grant_role(cluster, namespace, "alice", "sshcredential-editor", Right("create", "sshtargets", GROUP))
    return namespace


@pytest.fixture
def alice(cluster: Cluster, workspace: str) -> Iterator[Targets]:
    with targets_of(cluster, workspace, "alice") as alice:
        yield alice


@pytest.fixture
def not_hers(cluster: Cluster, workspace: str) -> None:
    """A target in alice's workspace that names a credential, a Secret and a jump host that she may not use."""
    with targets_of(cluster, workspace) as admin:
        assert said(admin.create(WITH_PASSWORD | THROUGH | {"authorizedKey": WITH_PASSWORD["authorizedKey"]})) == ""


def let(cluster: Cluster, workspace: str, *rights: Given) -> list[str]:
    return [grant(cluster, workspace, "alice", resource, verbs, names=names) for resource, verbs, names in rights]


@pytest.mark.parametrize(
    ("spec", "rights", "sentence"),
    [
        pytest.param(PINNED, [], f"{NOT_HERS}; ask for the verb use on it in namespace ", id="to use the credential"),
        pytest.param(
            WITH_CREDENTIAL,
            [USE_IT],
            f"{NO_BOOTSTRAP}; ask for the verb use on it in namespace ",
            id="to use the credential of the bootstrap",
        ),
        pytest.param(
            WITH_PASSWORD,
            [USE_IT],
            f"{NO_PASSWORD}; ask for the right to get it in namespace ",
            id="to read the password",
        ),
        pytest.param(
            THROUGH, [USE_IT], f"{NO_JUMP}; ask for the verb use on it in namespace ", id="to jump through that target"
        ),
    ],
)
def test_who_lacks_a_right_is_told_which(
    cluster: Cluster, workspace: str, spec: dict[str, Any], rights: list[Given], sentence: str
) -> None:
    let(cluster, workspace, *rights)
    command = ("apply", "--namespace", workspace, "-f", "-")
    stderr = cluster.kubectl(*command, user="alice", input=json.dumps(target(spec)), check=False).stderr.strip()

    assert stderr.startswith("Error from server (Forbidden): ")
    assert f"{sentence}{workspace}" in stderr
    assert stderr.endswith("or let somebody who has it apply this target")
    assert stderr.count("\n") == 0


@pytest.mark.parametrize(
    ("spec", "rights"),
    [
        pytest.param(PINNED, [USE_IT], id="a plain target"),
        pytest.param(
            WITH_CREDENTIAL, [USE_IT, (CREDENTIALS, ["use"], ["root-login"])], id="a bootstrap with a credential"
        ),
        pytest.param(WITH_PASSWORD, [USE_IT, ("secrets", ["get"], ["first"])], id="a bootstrap with a password"),
        pytest.param(THROUGH, [USE_IT, (TARGETS, ["use"], ["bastion"])], id="a jump host"),
    ],
)
def test_the_rights_to_just_what_is_named_are_enough(
    cluster: Cluster, workspace: str, alice: Targets, spec: dict[str, Any], rights: list[Given]
) -> None:
    let(cluster, workspace, *rights)

    assert said(alice.create(spec)) == ""


def test_the_role_for_users_is_enough_for_credentials_and_jump_hosts_and_for_no_password(
    cluster: Cluster, workspace: str, alice: Targets
) -> None:
    grant_role(cluster, workspace, "alice", "sshcredential-user", Right("use", "sshtargets", GROUP))

    assert (
        said(alice.attempt(target(WITH_CREDENTIAL | THROUGH | {"authorizedKey": WITH_CREDENTIAL["authorizedKey"]})))
        == ""
    )
    assert NO_PASSWORD in said(alice.attempt(target(WITH_PASSWORD)))


@pytest.mark.parametrize(
    ("resource", "verbs", "names"),
    [
        pytest.param(CREDENTIALS, ["use"], ["another"], id="to use another"),
        pytest.param(CREDENTIALS, ["export", "report", "deletecollection"], [], id="to export it"),
        pytest.param(TARGETS, ["use"], [], id="to use targets"),
        pytest.param("secrets", ["get", "list", "create", "use"], [], id="to everything with Secrets"),
        pytest.param("sshcredentials", ["use"], [], id="of another API group"),
    ],
)
def test_this_right_is_not_enough(
    cluster: Cluster, workspace: str, alice: Targets, resource: str, verbs: list[str], names: list[str]
) -> None:
    let(cluster, workspace, (resource, verbs, names))

    assert NOT_HERS in said(alice.create(PINNED))


@pytest.mark.parametrize(
    ("spec", "right", "sentence"),
    [
        pytest.param(WITH_PASSWORD, ("secrets", ["list", "watch"], []), NO_PASSWORD, id="to list Secrets"),
        pytest.param(WITH_PASSWORD, ("secrets", ["get"], ["another"]), NO_PASSWORD, id="to get another Secret"),
        pytest.param(THROUGH, (TARGETS, ["use"], ["another"]), NO_JUMP, id="to use another target"),
    ],
)
def test_this_right_is_not_enough_for_what_else_is_named(
    cluster: Cluster, workspace: str, alice: Targets, spec: dict[str, Any], right: Given, sentence: str
) -> None:
    let(cluster, workspace, USE_IT, right)

    assert sentence in said(alice.create(spec))


def test_the_right_in_another_namespace_is_not_enough(cluster: Cluster, alice: Targets) -> None:
    [right] = let(cluster, "default", USE_IT)

    assert NOT_HERS in said(alice.create(PINNED))
    revoke(cluster, "default", right)


def test_a_change_to_what_she_may_not_use_is_asked_about(cluster: Cluster, workspace: str, alice: Targets) -> None:
    let(cluster, workspace, USE_IT)
    assert said(alice.create(PINNED)) == ""

    install = {"authorizedKey": WITH_PASSWORD["authorizedKey"]}
    assert "alice may not use SSHCredential root" in said(alice.patch({"spec": {"credentialRef": {"name": "root"}}}))
    assert NO_PASSWORD in said(alice.patch({"spec": install}))
    assert NO_BOOTSTRAP in said(alice.patch({"spec": {"authorizedKey": WITH_CREDENTIAL["authorizedKey"]}}))
    assert NO_JUMP in said(alice.patch({"spec": {"jumpTargetRef": {"name": "bastion"}}}))


def test_a_replacement_is_asked_about_as_well(cluster: Cluster, workspace: str, alice: Targets) -> None:
    let(cluster, workspace, USE_IT)
    assert said(alice.create(PINNED)) == ""
    manifest = json.dumps(target(WITH_PASSWORD))

    for command in (("replace",), ("apply", "--server-side", "--force-conflicts")):
        refused = cluster.kubectl(
            *command, "--namespace", workspace, "-f", "-", user="alice", input=manifest, check=False
        )
        assert NO_PASSWORD in refused.stderr


@pytest.mark.usefixtures("not_hers")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"host": "evil.example.org"}, id="which server gets the password"),
        pytest.param({"port": 2222}, id="which port"),
        pytest.param({"username": "root"}, id="which account"),
        pytest.param({"hostKeys": {"policy": "TrustOnFirstUse", "keys": None}}, id="how the server proves itself"),
        pytest.param({"probe": {"every": "1m"}}, id="how often"),
    ],
)
def test_any_change_of_the_spec_is_asked_about(
    cluster: Cluster, workspace: str, alice: Targets, change: dict[str, Any]
) -> None:
    assert NOT_HERS in said(alice.patch({"spec": change}))

    let(cluster, workspace, USE_IT)
    assert NO_PASSWORD in said(alice.patch({"spec": change}))


@pytest.mark.usefixtures("not_hers")
def test_what_changes_no_spec_is_not_asked_about(alice: Targets) -> None:
    asked = {"sshcredentials.dev/probe-requested": "now"}

    assert said(alice.patch({"spec": PINNED})) == ""
    assert said(alice.patch({"metadata": {"labels": {"team": "genomics"}, "annotations": asked}})) == ""
    assert said(alice.patch({"metadata": {"finalizers": ["example.com/test"]}})) == ""
    assert said(alice.patch({"metadata": {"finalizers": None}})) == ""


@pytest.mark.usefixtures("not_hers")
def test_whom_to_trust_is_asked_about_as_who_gets_the_password(
    cluster: Cluster, workspace: str, alice: Targets
) -> None:
    """Another machine in the server's place is found out by its host key, until somebody says that it is the one."""
    trust, other = ({"metadata": {"annotations": {TRUST: f"SHA256:{letter * 43}"}}} for letter in "ab")
    nobody: dict[str, Any] = {"metadata": {"annotations": {TRUST: None}}}
    assert NOT_HERS in said(alice.patch(trust))

    let(cluster, workspace, USE_IT)
    assert NO_PASSWORD in said(alice.patch(trust))

    with targets_of(cluster, workspace) as admin:
        assert said(admin.patch(trust)) == ""
    assert said(alice.patch({"metadata": {"labels": {"team": "genomics"}}})) == ""
    assert NO_PASSWORD in said(alice.patch(other))
    assert said(alice.patch(nobody)) == ""
    assert NO_PASSWORD in said(alice.patch(trust))


@pytest.mark.usefixtures("not_hers")
def test_a_status_is_not_asked_about_and_not_forged(cluster: Cluster, workspace: str, alice: Targets) -> None:
    found = {"authenticatedFingerprints": ["SHA256:" + "a" * 43]}
    grant(cluster, workspace, "bob", f"sshtargets/status.{GROUP}", ["patch"])

    with targets_of(cluster, workspace, "bob") as bob:
        assert "bob may not write the status of sshtargets/hpc-login" in said(bob.patch_status(found))
        grant(cluster, workspace, "bob", TARGETS, ["report"])
        assert said(bob.patch_status(found)) == ""
    assert 'cannot patch resource "sshtargets/status"' in said(alice.patch_status(found))


@pytest.mark.usefixtures("not_hers")
def test_deletion_is_never_held_up(alice: Targets) -> None:
    assert said(alice.delete()) == ""


def test_a_right_that_was_taken_back_no_longer_counts(cluster: Cluster, workspace: str, alice: Targets) -> None:
    [right] = let(cluster, workspace, USE_IT)
    assert said(alice.create(PINNED)) == ""

    revoke(cluster, workspace, right)
    wait_for_right(cluster, "alice", Right("use", "sshcredentials", GROUP, workspace, "hpc-login"), allowed=False)

    assert NOT_HERS in said(alice.patch({"spec": {"port": 2222}}))
