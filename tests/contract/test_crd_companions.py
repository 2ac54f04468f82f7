"""The manifests beside the CRD: admission policies and roles, plain and with fixed names."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from contract.crd_schema import CRD, ROOT
from sshcredential_operator.controller.admission import IMPORT_POLICY as POLICY

FILES: Final = ROOT / "charts" / "sshcredential-operator" / "files"
MANIFESTS: Final = sorted(FILES.glob("*/*"))


def _documents(*names: str) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in yaml.safe_load_all(FILES.joinpath(*names).read_text())}


def _roles() -> dict[str, list[dict[str, Any]]]:
    documents = yaml.safe_load_all((FILES / "rbac" / "operator.yaml").read_text())
    return {document["metadata"]["name"]: document["rules"] for document in documents}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_plain(path: Path) -> None:
    documents = list(yaml.safe_load_all(path.read_text()))

    assert "{{" not in path.read_text()
    assert documents
    assert all(document["metadata"].keys() == {"name"} for document in documents)
    assert {document["kind"] for document in documents} <= {
        "ClusterRole",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }


def test_the_import_policy_is_bound_everywhere_and_fails_closed() -> None:
    documents = _documents("admission", "import.yaml")
    policy, binding = documents["ValidatingAdmissionPolicy"], documents["ValidatingAdmissionPolicyBinding"]

    assert policy["metadata"]["name"] == binding["metadata"]["name"] == binding["spec"]["policyName"] == POLICY
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": POLICY, "validationActions": ["Deny"]}


def test_the_import_policy_looks_at_the_credential_alone() -> None:
    policy = _documents("admission", "import.yaml")["ValidatingAdmissionPolicy"]["spec"]
    [rule] = policy["matchConstraints"]["resourceRules"]

    assert rule["apiGroups"] == [CRD["spec"]["group"]]
    assert rule["resources"] == [CRD["spec"]["names"]["plural"]]
    assert rule["operations"] == ["CREATE", "UPDATE"]
    assert "namespaceObject" not in str(policy)


def test_every_sentence_of_the_import_policy_has_a_plain_one_to_fall_back_to() -> None:
    policy = _documents("admission", "import.yaml")["ValidatingAdmissionPolicy"]["spec"]

    assert all(validation["message"] and validation["messageExpression"] for validation in policy["validations"])


def test_no_role_has_a_wildcard() -> None:
    assert not [rule for rules in _roles().values() for rule in rules if "*" in str(rule)]


def test_the_operator_may_not_write_what_users_declare() -> None:
    [credentials] = [
        rule
        for rule in _roles()["sshcredential-operator-workspace"]
        if rule["resources"] == [CRD["spec"]["names"]["plural"]]
    ]

    assert credentials["verbs"] == ["get", "list", "watch"]


def test_the_cluster_role_may_look_at_the_import_policy_only() -> None:
    [rule] = _roles()["sshcredential-operator-cluster"]

    assert rule["resourceNames"] == [POLICY]
    assert rule["verbs"] == ["get"]
