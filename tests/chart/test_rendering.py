"""What the chart renders: the same by both Helms, and nothing lost of the files that hold rights, policies and CRDs."""

from __future__ import annotations

import subprocess
from typing import Any, Final

import pytest
import yaml

from chart.rendering import (
    CHART,
    HELMS,
    NAMESPACE,
    OLDEST_KUBERNETES,
    VALUES,
    Object,
    documents,
    helm,
    is_hook,
    objects,
    of_kind,
    rendered,
)
from controlplane.clusters import CHART_FILES, CRDS
from operators.process import COMMAND
from sshcredential_operator.api.policy import Policies, parse_policies
from tools.programs import program

RBAC: Final = CHART_FILES / "rbac"
READER: Final = "sshcredential-sealing-keys-reader"
WORKSPACE_ROLE: Final = "sshcredential-operator-workspace"
TARGETS: Final = "sshcredential-operator-targets"
each_set = pytest.mark.parametrize("name", VALUES)
each_helm = pytest.mark.parametrize("which", HELMS)


def place_of(found: Object) -> tuple[str, str, str]:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def without_additions(found: Object) -> Object:
    """Return an object without the labels and annotations that the chart puts on everything."""
    added = ("app.kubernetes.io/", "helm.sh/")
    metadata: dict[str, Any] = {"name": found["metadata"]["name"]}
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in found["metadata"].get(part, {}).items() if not key.startswith(added)}
        metadata |= {part: kept} if kept else {}
    return {**found, "metadata": metadata}


def by_name(found: list[Object]) -> list[Object]:
    return sorted((without_additions(one) for one in found), key=lambda one: (one["kind"], one["metadata"]["name"]))


def pods(found: list[Object]) -> list[dict[str, Any]]:
    """Return the specs of all pods, the test's too."""
    specs = [one["spec"]["template"]["spec"] for one in found if one["kind"] == "Deployment"]
    return specs + [one["spec"] for one in found if one["kind"] == "Pod"]


# --- with both Helms


@each_set
def test_both_helms_render_the_same(name: str) -> None:
    four, three = (sorted(objects(rendered(which, name)), key=place_of) for which in HELMS)

    assert four == three
    assert "Deployment" in {found["kind"] for found in four}


@each_helm
@each_set
def test_the_linter_has_nothing_to_say(which: str, name: str) -> None:
    linted = helm(which, "lint", "--strict", CHART, "--kube-version", OLDEST_KUBERNETES, values=VALUES[name])

    assert linted.returncode == 0, linted.stdout
    assert "[WARNING]" not in linted.stdout
    assert "[ERROR]" not in linted.stdout


def test_the_suites_beside_the_chart_pass() -> None:
    ran = subprocess.run(
        [program("helm-unittest"), "--strict", "--color=false", CHART], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout
    assert "0 passed" not in ran.stdout.split("Snapshot")[0]


def test_a_package_holds_no_tests(tmp_path: Any) -> None:
    packed = helm("helm4", "package", CHART, "--destination", tmp_path)
    [archive] = tmp_path.iterdir()
    listed = subprocess.run(["tar", "-tzf", archive], capture_output=True, text=True, check=True).stdout.split()

    assert packed.returncode == 0, packed.stderr
    assert "sshcredential-operator/templates/tests/credential.yaml" in listed
    assert "sshcredential-operator/files/test/try_out.py" in listed
    assert [name for name in listed if name.endswith("_test.yaml")] == []


# --- nothing is lost of the files


@pytest.mark.parametrize("name", ["one workspace", "all namespaces"])
def test_the_crds_are_those_of_the_project(name: str) -> None:
    made = of_kind(objects(rendered("helm4", name)), "CustomResourceDefinition")

    assert by_name(made) == by_name(documents(CRDS))


def test_the_admission_policies_are_those_of_the_files() -> None:
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    made = of_kind(objects(rendered("helm4", "one workspace")), *kinds)

    assert by_name(made) == by_name(documents(CHART_FILES / "admission"))


def test_the_roles_for_people_are_those_of_the_file() -> None:
    made = objects(rendered("helm4", "one workspace"))
    people = objects((RBAC / "people.yaml").read_text())
    names = {role["metadata"]["name"] for role in people}

    assert by_name([one for one in made if one["metadata"]["name"] in names]) == by_name(people)


@each_set
def test_every_rule_of_the_operator_is_one_of_the_file(name: str) -> None:
    files = ["operator.yaml"] + ["targets.yaml"] * has_targets(name)
    file = {role["metadata"]["name"]: role["rules"] for one in files for role in objects((RBAC / one).read_text())}
    made = [
        role
        for role in of_kind(objects(rendered("helm4", name)), "Role", "ClusterRole")
        if role["metadata"]["name"].startswith("sshcredential-operator-")
    ]

    assert {role["metadata"]["name"] for role in made} == (file.keys() if name != "everything off" else set())
    assert all(role["rules"] == file[role["metadata"]["name"]] for role in made)


# --- rights


def has_targets(name: str) -> bool:
    """Whether the process of targets is installed with these values."""
    return bool(VALUES[name].get("targets", {}).get("enabled"))


def bindings(name: str) -> set[tuple[str, str, str]]:
    """Return where each of the operator's roles is bound: kind of the binding, namespace, role."""
    every = of_kind(objects(rendered("helm4", name)), "RoleBinding", "ClusterRoleBinding")
    made = [binding for binding in every if binding["metadata"]["name"] != READER]
    account = [{"kind": "ServiceAccount", "name": "sshcredential-operator", "namespace": NAMESPACE}]
    assert all(binding["subjects"] == account for binding in made)
    return {(one["kind"], one["metadata"].get("namespace", ""), one["roleRef"]["name"]) for one in made}


@each_set
def test_everybody_may_read_the_public_sealing_keys_and_nothing_else(name: str) -> None:
    made = objects(rendered("helm4", name))
    everybody = [one for one in made for who in one.get("subjects", ()) if who["kind"] == "Group"]
    role = next(iter(objects((RBAC / "everybody.yaml").read_text())))

    assert [one["metadata"]["name"] for one in everybody] == ([] if name == "everything off" else [READER])
    for binding in everybody:
        assert binding["metadata"]["namespace"] == NAMESPACE
        assert [who["name"] for who in binding["subjects"]] == ["system:authenticated"]
        assert binding["roleRef"]["kind"] == "Role"
    rules = [one["rules"] for one in made if one["kind"] == "Role" and one["metadata"]["name"] == READER]
    assert rules == [role["rules"]] * len(everybody)


ALWAYS: Final = {
    ("RoleBinding", NAMESPACE, "sshcredential-operator-operator-namespace"),
    ("ClusterRoleBinding", "", "sshcredential-operator-cluster"),
}


def test_named_workspaces_are_bound_one_by_one() -> None:
    assert bindings("two workspaces, the test in the second") == ALWAYS | {
        ("RoleBinding", "genomics", WORKSPACE_ROLE),
        ("RoleBinding", "proteomics", WORKSPACE_ROLE),
    }


def test_the_process_of_targets_has_rights_of_its_own() -> None:
    made = of_kind(objects(rendered("helm4", "targets")), "RoleBinding", "ClusterRoleBinding")
    account = {"kind": "ServiceAccount", "name": TARGETS, "namespace": NAMESPACE}
    its_own = {(b["metadata"].get("namespace", ""), b["roleRef"]["name"]) for b in made if account in b["subjects"]}

    assert its_own == {
        (NAMESPACE, f"{TARGETS}-operator-namespace"),
        ("", f"{TARGETS}-cluster"),
        ("genomics", f"{TARGETS}-workspace"),
        ("proteomics", f"{TARGETS}-workspace"),
    }
    assert all(binding["subjects"] == [account] for binding in made if TARGETS in binding["metadata"]["name"])


def test_all_namespaces_are_bound_at_once() -> None:
    assert bindings("all namespaces") == ALWAYS | {("ClusterRoleBinding", "", WORKSPACE_ROLE)}


@each_set
def test_only_the_cluster_wide_choice_gives_rights_to_all_secrets(name: str) -> None:
    roles = of_kind(objects(rendered("helm4", name)), "ClusterRole")
    reaching = [role for role in roles for rule in role["rules"] if "secrets" in rule["resources"]]

    assert bool(reaching) is (VALUES[name]["workspaces"] == ["*"])


def test_the_rights_of_the_test_are_for_its_own_credential() -> None:
    made = [found for found in objects(rendered("helm4", "one workspace")) if is_hook(found)]
    [role] = [found for found in made if found["kind"] == "Role"]
    own = {"sshcredential-operator-test", "sshcredential-operator-test-sshcredential"}

    assert {found["kind"] for found in made} == {"ConfigMap", "Pod", "Role", "RoleBinding", "ServiceAccount"}
    for rule in role["rules"]:
        assert rule["verbs"] == ["create"] or set(rule["resourceNames"]) <= own


# --- pods


@each_set
def test_a_pod_has_no_other_token_than_its_own(name: str) -> None:
    made = objects(rendered("helm4", name))

    for account in (found for found in made if found["kind"] == "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    for pod in pods(made):
        assert pod["automountServiceAccountToken"] is False
        [token] = [volume["projected"]["sources"] for volume in pod["volumes"] if volume["name"] == "token"]
        assert {key for source in token for key in source} == {"serviceAccountToken", "configMap", "downwardAPI"}


@each_set
def test_no_pod_may_write_to_its_root_or_gain_a_right(name: str) -> None:
    for pod in pods(objects(rendered("helm4", name))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@each_set
def test_the_selectors_find_the_operator_and_not_the_test(name: str) -> None:
    made = objects(rendered("helm4", name))
    tests = [found["metadata"]["labels"] for found in made if found["kind"] == "Pod"]
    for deployment in of_kind(made, "Deployment"):
        wanted = deployment["spec"]["selector"]["matchLabels"]
        own = [one for one in made if one["metadata"]["name"] == deployment["metadata"]["name"]]
        [service] = of_kind(own, "Service")

        assert wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        assert service["spec"]["selector"] == wanted
        assert all(policy["spec"]["podSelector"]["matchLabels"] == wanted for policy in of_kind(own, "NetworkPolicy"))
        assert all(
            budget["spec"]["selector"]["matchLabels"] == wanted for budget in of_kind(own, "PodDisruptionBudget")
        )
        assert not any(wanted.items() <= labels.items() for labels in tests)
    selectors = [tuple(one["spec"]["selector"]["matchLabels"].items()) for one in of_kind(made, "Deployment")]
    assert len(selectors) == len(set(selectors)) == 1 + has_targets(name)


@each_set
def test_the_operator_takes_the_arguments_that_it_is_given(name: str) -> None:
    """Without a cluster it ends with what it would do next, not with a word about its arguments."""
    for pod in pods(of_kind(objects(rendered("helm4", name)), "Deployment")):
        container = pod["containers"][0]  # those of others come after it
        process = container.get("command", ["", "run"])[1]
        arguments = [part for part in container["args"] if not part.startswith("--policy=")]
        command = [str(COMMAND), process, *arguments]

        ended = subprocess.run(command, capture_output=True, text=True, check=False, env={"KUBECONFIG": "/nonexistent"})

        assert ended.stderr.startswith("Error: No cluster to work with"), ended.stderr


def test_the_operator_understands_the_policy() -> None:
    [made] = of_kind(objects(rendered("helm4", "a policy")), "ConfigMap")
    policies = parse_policies(yaml.safe_load(made["data"]["policy.yaml"]))

    assert policies != Policies()
    assert policies == parse_policies(VALUES["a policy"]["policy"])


def test_another_policy_restarts_the_pods() -> None:
    checksums = set()
    for bits in (3072, 4096):
        values = {"workspaces": ["genomics"], "policy": {"default": {"minRsaBits": bits}}}
        done = helm("helm4", "template", CHART, "--kube-version", OLDEST_KUBERNETES, values=values)
        [deployment] = of_kind(objects(done.stdout), "Deployment")
        checksums.add(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/policy"])

    assert len(checksums) == 2
