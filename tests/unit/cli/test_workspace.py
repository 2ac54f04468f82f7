"""`sshcred workspace create`: the manifests of a workspace, and what is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.tree import ROOT
from sshcredential_operator.cli.workspace_manifests import EDITOR_ROLE, OPERATOR_ROLE, USER_ROLE
from unit.cli.command import Said, sshcred

RBAC = ROOT / "charts" / "sshcredential-operator" / "files" / "rbac"


def workspace(folder: Path, *arguments: str) -> tuple[list[dict[str, Any]], Said]:
    said = sshcred(folder, "workspace", "create", *arguments)
    return list(yaml.safe_load_all("\n".join(said.lines))), said


def test_a_teams_workspace_is_a_namespace_with_its_label(tmp_path: Path) -> None:
    [namespace], said = workspace(tmp_path, "genomics")

    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", "genomics")
    assert namespace["metadata"]["labels"] == {"sshcredentials.dev/workspace": "organization"}
    assert "--workspace genomics" in said.error
    assert f"kubectl create rolebinding {EDITOR_ROLE} -n genomics --clusterrole={EDITOR_ROLE}" in said.error


def test_a_personal_workspace_binds_its_one_user(tmp_path: Path) -> None:
    found, said = workspace(tmp_path, "alice", "--personal", "alice@example.org")
    namespace, *bindings = found

    assert namespace["metadata"]["labels"] == {"sshcredentials.dev/workspace": "personal"}
    assert [one["roleRef"]["name"] for one in bindings] == [EDITOR_ROLE, USER_ROLE]
    for one in bindings:
        assert one["metadata"]["namespace"] == "alice"
        assert [(who["kind"], who["name"]) for who in one["subjects"]] == [("User", "alice@example.org")]
    assert "rolebinding" not in said.error


def test_the_operators_binding_is_printed_where_no_chart_makes_it(tmp_path: Path) -> None:
    found, _ = workspace(tmp_path, "genomics", "--service-account", "operator", "--operator-namespace", "ssh-system")

    assert found[1]["roleRef"]["name"] == OPERATOR_ROLE
    assert found[1]["subjects"] == [{"kind": "ServiceAccount", "name": "operator", "namespace": "ssh-system"}]


def test_the_roles_are_those_that_are_shipped() -> None:
    shipped = [one["metadata"]["name"] for file in RBAC.glob("*.yaml") for one in yaml.safe_load_all(file.read_text())]

    assert {EDITOR_ROLE, USER_ROLE, OPERATOR_ROLE} <= set(shipped)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["Genomics"], "is no name of a namespace", id="a name that is none"),
        pytest.param(["sshcredential-system"], "the key ring is there", id="the operator's own"),
        pytest.param(["a", "--organization", "--personal", "alice"], "Give either", id="both kinds"),
        pytest.param(["a", "--personal", " "], "is no name of a user", id="nobody"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    _, said = workspace(tmp_path, *arguments)

    assert (said.code, said.lines) == (2, [])
    assert told in said.error
