"""The manifests beside the CRDs: admission policies and roles, plain and with fixed names."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from contract.crd_schema import CREDENTIAL, DEFINITIONS, EXPORT, ROOT, TARGET
from sshcredential_operator.api.names import GROUP, KEY_RING_CONFIG_MAP
from sshcredential_operator.controller.admission import EXPORT_POLICY, IMPORT_POLICY
from sshcredential_operator.controller.target_policy import TARGET_POLICY
from sshcredential_operator.encryption.ring_backup import RING_TYPES
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP

FILES: Final = ROOT / "charts" / "sshcredential-operator" / "files"
MANIFESTS: Final = [*sorted(FILES.glob("admission/*")), *sorted(FILES.glob("rbac/*"))]
AGGREGATE: Final = "rbac.authorization.k8s.io/aggregate-to-"
PLURALS: Final = [str(definition.names["plural"]) for definition in DEFINITIONS]
CREDENTIALS, EXPORTS, TARGETS = (str(definition.names["plural"]) for definition in (CREDENTIAL, EXPORT, TARGET))


class Policy(NamedTuple):
    """What a file of a policy has to hold."""

    file: str
    name: str
    resources: list[str]
    operations: list[str]
    group: str = GROUP
    version: str = CREDENTIAL.version["name"]
    more: Mapping[str, Any] = {}
    """What the binding says besides the usual."""


POLICIES: Final = [
    Policy("import.yaml", IMPORT_POLICY, [CREDENTIALS], ["CREATE", "UPDATE"]),
    Policy("export.yaml", EXPORT_POLICY, [EXPORTS], ["CREATE", "UPDATE"]),
    Policy("target.yaml", TARGET_POLICY, [TARGETS], ["CREATE", "UPDATE"]),
    Policy("in-use.yaml", "sshcredential-operator-in-use", [CREDENTIALS], ["DELETE"]),
    Policy("key-ring.yaml", "sshcredential-operator-key-ring", ["secrets"], ["DELETE"], "", "v1"),
    Policy(
        "key-ring-asked.yaml",
        "sshcredential-operator-key-ring-asked",
        ["secrets"],
        ["UPDATE", "DELETE"],
        "",
        "v1",
        {"paramRef": {"name": KEY_RING_CONFIG_MAP, "parameterNotFoundAction": "Allow"}},
    ),
    Policy(
        "key-ring-requests.yaml",
        "sshcredential-operator-key-ring-requests",
        ["configmaps"],
        ["CREATE", "UPDATE"],
        "",
        "v1",
    ),
    Policy("status.yaml", "sshcredential-operator-report", [f"{plural}/status" for plural in PLURALS], ["UPDATE"]),
]
each_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.file)


def _documents(*names: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(FILES.joinpath(*names).read_text()))


def _policy(policy: Policy) -> tuple[dict[str, Any], dict[str, Any]]:
    documents = {document["kind"]: document for document in _documents("admission", policy.file)}
    return documents["ValidatingAdmissionPolicy"], documents["ValidatingAdmissionPolicyBinding"]


def _roles(file: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in _documents("rbac", file)}


def _granted(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Return every verb that a role grants, with `group/resource`."""
    return {
        (verb, f"{group}/{resource}")
        for rule in role["rules"]
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }


OPERATOR: Final = _roles("operator.yaml")
OF_TARGETS: Final = _roles("targets.yaml")
PEOPLE: Final = _roles("people.yaml")
KEEPER: Final = "sshcredential-key-ring-keeper"
WORKSPACE: Final = OPERATOR["sshcredential-operator-workspace"]
TARGETS_WORKSPACE: Final = OF_TARGETS["sshcredential-operator-targets-workspace"]
READ: Final = {"get", "list", "watch"}
WRITERS: Final = {CREDENTIALS: WORKSPACE, EXPORTS: WORKSPACE, TARGETS: TARGETS_WORKSPACE}
"""Whose status is written by which process."""


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_plain(path: Path) -> None:
    documents = _documents(path.parent.name, path.name)

    assert "{{" not in path.read_text()
    assert documents
    assert all(document["metadata"].keys() <= {"name", "labels"} for document in documents)
    assert all(document["metadata"]["name"].startswith("sshcredential-") for document in documents)
    assert {document["kind"] for document in documents} <= {
        "ClusterRole",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }


# --- policies


def test_the_policies_are_these() -> None:
    assert {path.name for path in (FILES / "admission").iterdir()} == {policy.file for policy in POLICIES}


@each_policy
def test_a_policy_is_bound_everywhere_and_fails_closed(policy: Policy) -> None:
    made, binding = _policy(policy)

    assert made["metadata"]["name"] == binding["metadata"]["name"] == policy.name
    assert made["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": policy.name, "validationActions": ["Deny"], **policy.more}


@each_policy
def test_a_policy_looks_at_its_own_objects_alone(policy: Policy) -> None:
    made, _ = _policy(policy)
    constraints = made["spec"]["matchConstraints"]

    assert constraints == {
        "resourceRules": [
            {
                "apiGroups": [policy.group],
                "apiVersions": [policy.version],
                "resources": policy.resources,
                "operations": policy.operations,
                "scope": "Namespaced",
            }
        ]
    }


@each_policy
def test_no_policy_asks_for_the_namespace_which_hangs_its_deletion(policy: Policy) -> None:
    assert "namespaceObject" not in str(_policy(policy))


@each_policy
def test_every_sentence_of_a_policy_has_a_plain_one_to_fall_back_to(policy: Policy) -> None:
    validations = _policy(policy)[0]["spec"]["validations"]

    assert all(validation["reason"] == "Forbidden" for validation in validations)
    assert all(validation["message"] and validation["messageExpression"] for validation in validations)
    assert all("; " in validation["message"] for validation in validations), "what is wrong; what to do"


# --- roles


@pytest.mark.parametrize(
    "role", [*OPERATOR.values(), *OF_TARGETS.values(), *PEOPLE.values()], ids=lambda role: role["metadata"]["name"]
)
def test_no_role_has_a_wildcard(role: dict[str, Any]) -> None:
    assert "*" not in str(role)


def _verbs(role: dict[str, Any], resource: str) -> set[str]:
    return {verb for verb, granted in _granted(role) if granted == f"{GROUP}/{resource}"}


@pytest.mark.parametrize("plural", PLURALS)
def test_each_status_has_one_process_that_writes_it_and_none_writes_what_users_declare(plural: str) -> None:
    for role in (WORKSPACE, TARGETS_WORKSPACE):
        writes = WRITERS[plural] is role
        may_see = READ if plural != EXPORTS or role is WORKSPACE else set()
        assert _verbs(role, plural) == may_see | ({"report"} if writes else set())
        assert _verbs(role, f"{plural}/status") == ({"patch"} if writes else set())


def test_who_connects_to_servers_may_write_no_secret_and_list_none_of_a_workspace() -> None:
    secrets = {
        name: {verb for verb, resource in _granted(role) if resource == "/secrets"} for name, role in OF_TARGETS.items()
    }

    assert secrets == {
        "sshcredential-operator-targets-workspace": {"get"},
        "sshcredential-operator-targets-operator-namespace": {"get", "list"},
        "sshcredential-operator-targets-cluster": set(),
    }


def test_the_process_of_targets_may_look_at_its_own_policy_and_the_clusters_addresses_only() -> None:
    policies, *addresses = OF_TARGETS["sshcredential-operator-targets-cluster"]["rules"]

    assert policies["resourceNames"] == [TARGET_POLICY]
    assert policies["verbs"] == ["get"]
    assert [(rule["resources"], rule["verbs"]) for rule in addresses] == [
        (["servicecidrs"], ["list"]),
        (["nodes"], ["list"]),
    ]


def test_the_cluster_role_may_look_at_two_policies_only() -> None:
    [rule] = OPERATOR["sshcredential-operator-cluster"]["rules"]

    assert rule["resourceNames"] == [IMPORT_POLICY, EXPORT_POLICY]
    assert rule["verbs"] == ["get"]


def test_no_role_of_the_operator_is_aggregated() -> None:
    assert [role for role in (*OPERATOR.values(), *OF_TARGETS.values()) if "labels" in role["metadata"]] == []


@pytest.mark.parametrize(
    ("name", "into"),
    [
        ("sshcredential-viewer", {f"{AGGREGATE}view": "true"}),
        ("sshcredential-user", {f"{AGGREGATE}edit": "true"}),
        ("sshcredential-editor", {f"{AGGREGATE}edit": "true"}),
        ("sshcredential-exporter", {}),
        ("sshcredential-key-ring-keeper", {}),
    ],
)
def test_a_role_for_people_is_aggregated_into(name: str, into: dict[str, str]) -> None:
    assert PEOPLE[name]["metadata"].get("labels", {}) == into


def test_people_write_every_kind_and_no_status() -> None:
    granted = set().union(*(_granted(role) for name, role in PEOPLE.items() if name != KEEPER))

    assert {resource for _, resource in granted} == {f"{GROUP}/{plural}" for plural in PLURALS}
    assert "report" not in {verb for verb, _ in granted}


def test_who_keeps_the_key_ring_may_ask_in_one_config_map_and_reads_no_secret() -> None:
    [rule] = PEOPLE[KEEPER]["rules"]

    assert rule["resourceNames"] == [KEY_RING_CONFIG_MAP]
    assert _granted(PEOPLE[KEEPER]) == {(verb, "/configmaps") for verb in ("get", "watch", "patch", "ask")}


@pytest.mark.parametrize("role", [*OPERATOR.values(), *OF_TARGETS.values()], ids=lambda role: role["metadata"]["name"])
def test_no_process_asks_anything_of_the_key_ring_or_destroys_it(role: dict[str, Any]) -> None:
    assert not {verb for verb, _ in _granted(role)} & {"ask", "destroy"}


def test_every_type_of_the_key_rings_secrets_is_guarded() -> None:
    made, _ = _policy(next(policy for policy in POLICIES if policy.file == "key-ring.yaml"))
    [condition] = [one for one in made["spec"]["matchConditions"] if one["name"] == "is-of-the-key-ring"]

    assert all(f"'{kind}'" in condition["expression"] for kind in RING_TYPES)
    assert all(f"'{kind}'" in str(made["spec"]["variables"]) for kind in RING_TYPES)


def test_in_its_own_namespace_the_operator_changes_secrets_one_at_a_time_and_its_own_config_maps_alone() -> None:
    rules = OPERATOR["sshcredential-operator-operator-namespace"]["rules"]
    named = {name: rule["verbs"] for rule in rules for name in rule.get("resourceNames", ())}
    [secrets] = [rule["verbs"] for rule in rules if rule["resources"] == ["secrets"]]

    assert secrets == ["get", "list", "create", "patch", "delete", "drop"]
    assert named[KEY_RING_CONFIG_MAP] == ["get", "list", "watch", "patch"]
    assert named[SEALING_KEYS_CONFIG_MAP] == ["get", "patch"]
    assert [rule["verbs"] for rule in rules if not rule.get("resourceNames") and rule["resources"] != ["secrets"]] == [
        ["create"]
    ] * 3


def test_only_the_exporter_may_export() -> None:
    assert [name for name, role in PEOPLE.items() if ("export", f"{GROUP}/{CREDENTIALS}") in _granted(role)] == [
        "sshcredential-exporter"
    ]


def test_who_may_use_credentials_may_use_jump_hosts_too() -> None:
    users = {("use", f"{GROUP}/{CREDENTIALS}"), ("use", f"{GROUP}/{TARGETS}")}

    assert [name for name, role in PEOPLE.items() if users & _granted(role)] == ["sshcredential-user"]
    assert _granted(PEOPLE["sshcredential-user"]) == users
