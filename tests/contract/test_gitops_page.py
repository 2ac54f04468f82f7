"""docs/gitops.md and the repository that it begins with: everything in it is used, and the operator takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.crd_schema import CREDENTIAL, EXAMPLES, with_defaults
from contract.markdown import blocks, table
from contract.readme_commands import GITOPS, gitops
from sshcredential_operator.api.spec import Spec, parse_spec

REPOSITORY = EXAMPLES / "gitops"
WORKSPACES = sorted((REPOSITORY / "workspaces").iterdir())
each_workspace = pytest.mark.parametrize("workspace", WORKSPACES, ids=lambda path: path.name)


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def kustomization(folder: Path) -> Any:
    [found] = documents(folder / "kustomization.yaml")
    return found


@each_workspace
def test_a_workspace_is_made_of_all_its_files_and_bears_their_name(workspace: Path) -> None:
    found = kustomization(workspace)
    [namespace] = documents(workspace / "namespace.yaml")

    assert sorted([*found["resources"], "kustomization.yaml"]) == sorted(path.name for path in workspace.iterdir())
    assert found["namespace"] == namespace["metadata"]["name"] == workspace.name


@each_workspace
def test_the_operator_takes_every_credential(workspace: Path) -> None:
    manifests = [one for path in workspace.glob("*.yaml") for one in documents(path)]
    credentials = [one for one in manifests if one["kind"] == str(CREDENTIAL)]

    assert credentials
    for one in credentials:
        spec = with_defaults(one, CREDENTIAL.schema)["spec"]
        assert isinstance(parse_spec(spec, one["metadata"]["name"]), Spec)


def test_the_cluster_has_every_workspace_and_the_tools_find_it() -> None:
    cluster = REPOSITORY / "clusters" / "production"
    resources = {(cluster / path).resolve() for path in kustomization(cluster)["resources"]}
    [application] = documents(cluster / "argocd.yaml")
    [flux] = [one for one in documents(cluster / "flux.yaml") if one["kind"] == "Kustomization"]

    assert resources == set(WORKSPACES)
    assert (REPOSITORY / application["spec"]["source"]["path"]).samefile(cluster)
    assert (REPOSITORY / flux["spec"]["path"]).samefile(cluster)


def test_the_page_shows_every_file_that_the_repository_begins_with() -> None:
    [tree] = [block.text for block in blocks(GITOPS.read_text()) if block.language == "text"]
    genomics = REPOSITORY / "workspaces" / "genomics"

    for folder in (REPOSITORY / "clusters" / "production", genomics):
        assert all(path.name in tree for path in folder.iterdir())


def test_the_page_tells_of_an_empty_cluster_what_becomes_of_every_source() -> None:
    sources = {row[0].strip("`") for row in table(GITOPS.read_text(), "Source")}
    schema = CREDENTIAL.schema["properties"]["spec"]["properties"]

    assert sources == schema.keys() & {"generate", "importFrom", "sealed"}


def test_the_page_has_commands_for_both_clusters() -> None:
    assert any(" diff -k " in command for command in gitops(rebuilding=False))
    assert any("create -f key-ring.yaml" in command for command in gitops(rebuilding=True))
