"""The admission policy that the operator wants to see is the one that the chart brings."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from contract.tree import ROOT
from sshcredential_operator.controller.admission import EXPORT_GUARD, EXPORT_POLICY, says

FILE = ROOT / "charts" / "sshcredential-operator" / "files" / "admission" / "export.yaml"
POLICY, BINDING = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
KINDS = {"ValidatingAdmissionPolicy": POLICY, "ValidatingAdmissionPolicyBinding": BINDING}
SPECS: dict[str, Any] = {KINDS[one["kind"]]: one["spec"] for one in yaml.safe_load_all(FILE.read_text())}

SERVED: dict[str, dict[str, Any]] = {
    POLICY: {
        "matchConstraints": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}},
        "paramKind": None,
    },
    BINDING: {"matchResources": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}},
}
"""What the API server adds."""


def served(kind: str) -> dict[str, Any]:
    spec = copy.deepcopy(SPECS[kind])
    for name, value in SERVED[kind].items():
        spec[name] = {**spec.get(name, {}), **value} if isinstance(value, dict) else value
    return spec


def test_both_are_there_under_the_name_that_is_looked_for() -> None:
    documents = list(yaml.safe_load_all(FILE.read_text()))

    assert {document["metadata"]["name"] for document in documents} == {EXPORT_POLICY}
    assert SPECS.keys() == EXPORT_GUARD.keys()


@pytest.mark.parametrize("kind", [POLICY, BINDING])
def test_the_operator_knows_the_charts_own(kind: str) -> None:
    assert says(SPECS[kind], EXPORT_GUARD[kind])
    assert says(served(kind), EXPORT_GUARD[kind])


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for name in parents:
            spec = spec[int(name)] if name.isdigit() else spec.setdefault(name, {})  # type: ignore[index]  # a list
        spec[last] = value

    return change


RULE = "matchConstraints.resourceRules.0"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param(POLICY, _set("failurePolicy", "Ignore"), id="failures are let in"),
        pytest.param(POLICY, _set("validations", []), id="nothing is asked"),
        pytest.param(POLICY, _set("validations", [{"expression": "true"}]), id="the answer is always yes"),
        pytest.param(POLICY, _set(f"{RULE}.operations", ["CREATE"]), id="changes are not looked at"),
        pytest.param(POLICY, _set(f"{RULE}.resourceNames", ["one"]), id="only one export is looked at"),
        pytest.param(
            POLICY, _set("matchConstraints.excludeResourceRules", [{"apiGroups": ["*"]}]), id="all are let by"
        ),
        pytest.param(POLICY, _set("matchConstraints.namespaceSelector", {"matchLabels": {"a": "b"}}), id="namespaces"),
        pytest.param(POLICY, _set("matchConstraints.objectSelector", {"matchLabels": {"a": "b"}}), id="objects"),
        pytest.param(POLICY, _set("matchConstraints.matchPolicy", "Exact"), id="matched exactly"),
        pytest.param(POLICY, _set("matchConditions", [{"name": "a", "expression": "false"}]), id="never matched"),
        pytest.param(
            POLICY, _set("variables", [{"name": "credential", "expression": "'mine'"}]), id="another variable"
        ),
        pytest.param(POLICY, _set("paramKind", {"kind": "ConfigMap", "apiVersion": "v1"}), id="with parameters"),
        pytest.param(BINDING, _set("policyName", "other"), id="bound to another policy"),
        pytest.param(BINDING, _set("validationActions", ["Audit"]), id="only audited"),
        pytest.param(BINDING, _set("validationActions", ["Warn", "Audit"]), id="only warned"),
        pytest.param(BINDING, _set("matchResources.namespaceSelector", {"matchLabels": {"a": "b"}}), id="bound there"),
        pytest.param(BINDING, _set("paramRef", {"name": "a"}), id="bound with parameters"),
    ],
)
def test_any_other_content_is_another_policy(kind: str, change: Callable[[dict[str, Any]], None]) -> None:
    spec = served(kind)
    change(spec)

    assert not says(spec, EXPORT_GUARD[kind])


def test_other_words_are_the_same_policy() -> None:
    spec = served(POLICY)
    spec["validations"][0] |= {"message": "no", "reason": "Invalid"}
    del spec["validations"][0]["messageExpression"]

    assert says(spec, EXPORT_GUARD[POLICY])


@pytest.mark.parametrize("nothing", [None, {}, [], "yes"])
def test_what_is_none_is_none(nothing: object) -> None:
    assert not says(nothing, EXPORT_GUARD[BINDING])
