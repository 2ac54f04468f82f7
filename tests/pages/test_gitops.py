"""A reader follows the page on GitOps from top to bottom, word for word; its last section in an empty cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from contract.readme_commands import gitops, quick_start
from contract.tree import ROOT
from controlplane.fixtures import OwnControlPlane
from pages.reader import Reader

OPERATOR: Final = ".venv/bin/sshcredential-operator run --workspace genomics --workspace proteomics"
KUBECONFIG: Final = "kubeconfig"
SEALED: Final = "cluster-login"
BROUGHT: Final = {"genomics/sequencer-upload", f"genomics/{SEALED}"}
"""What the page says comes back with the same key."""


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Reader]:
    somebody = Reader(tmp_path, own_control_plane().kubeconfig_for("admin"))
    yield somebody
    somebody.end_operator()


def keys(reader: Reader) -> dict[str, str]:
    """Return the fingerprint of every credential."""
    found = json.loads(reader.run("kubectl get sshcredentials -A -o json"))["items"]
    return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one["status"]["fingerprint"] for one in found}


def reason(reader: Reader, name: str) -> str:
    """Return the reason of Ready."""
    return reader.run(f"kubectl get sshcredential {name} -n genomics -o jsonpath='{{.status.conditions[0].reason}}'")


def install(reader: Reader) -> None:
    """Install the operator as the README does from a desk, for the page's workspaces."""
    reader.run(next(command for command in quick_start() if "apply -f crds/" in command))
    reader.follow(OPERATOR)


def test_a_reader_gets_what_the_page_promises(
    reader: Reader, own_control_plane: OwnControlPlane, tmp_path: Path
) -> None:
    reader.run("kubectl create namespace sshcredential-system")
    install(reader)
    argo_cd_is_there(reader)
    for command in gitops(rebuilding=False):
        said = reader.follow(command)
        assert not command.startswith("kubectl diff") or said == ""
    before = keys(reader)

    # Argo CD has the rules, and what it had before.
    config_map = json.loads(reader.run("kubectl get configmap argocd-cm -n argocd -o json"))["data"]
    rules = yaml.safe_load((ROOT / "examples" / "argocd" / "argocd-cm.yaml").read_text())["data"]
    assert config_map == rules | {"url": "https://argocd.example.com"}

    # Another cluster, in which nothing is. Before the kinds are known, only they are missed.
    reader.end_operator()
    shutil.copy(own_control_plane().kubeconfig_for("admin"), tmp_path / KUBECONFIG)
    too_early = reader.run("kubectl apply --dry-run=client -k ssh-credentials/clusters/production || true")
    assert too_early.count('no matches for kind "SSHCredential"') == len(before)
    operator_was_first(reader)
    commands = gitops(rebuilding=True)
    git_again = next(number for number, command in enumerate(commands) if "apply -k" in command)
    for command in commands[:git_again]:
        reader.follow(command)
    install(reader)
    for command in commands[git_again:]:
        reader.follow(command)

    after = keys(reader)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] == after[name]} == BROUGHT
    assert reader.run("kubectl diff -k ssh-credentials/clusters/production") == ""
    what_was_stored_before_is_told_and_left(reader, tmp_path)


def argo_cd_is_there(reader: Reader) -> None:
    """Argo CD's ConfigMap, as an installation of it has it."""
    reader.run("kubectl create namespace argocd")
    reader.run("kubectl create configmap argocd-cm -n argocd --from-literal=url=https://argocd.example.com")


def operator_was_first(reader: Reader) -> None:
    """Begin at the wrong end, as the page warns; and do what it says then."""
    reader.run("kubectl create namespace sshcredential-system")
    install(reader)
    reader.run("kubectl apply -k ssh-credentials/clusters/production")
    reader.run(f"kubectl wait --for=condition=Stalled sshcredential/{SEALED} -n genomics --timeout=60s")
    assert reason(reader, SEALED) == "SealingKeyUnknown"
    reader.run("kubectl wait --for=condition=Ready sshcredential/archive -n proteomics --timeout=60s")
    reader.end_operator()
    reader.run("kubectl delete -k ssh-credentials/clusters/production --wait=false")
    reader.run("kubectl delete namespace sshcredential-system --wait")
    reader.run("kubectl wait --for=delete namespace/genomics namespace/proteomics --timeout=60s")
    reader.run("kubectl delete -f crds/")


def what_was_stored_before_is_told_and_left(reader: Reader, desk: Path) -> None:
    """Put a Secret of the first cluster back, as the page warns; and do what it says then."""
    saved = yaml.safe_load((desk / "credential-secrets.yaml").read_text())["items"]
    [old] = [one for one in saved if one["metadata"]["name"] == "hpc-login-sshcredential"]
    (desk / "old.json").write_text(json.dumps(old))
    reader.run("kubectl delete -n genomics sshcredential/hpc-login secret/hpc-login-sshcredential")
    reader.run("kubectl create -f old.json")
    reader.run("kubectl apply -k ssh-credentials/clusters/production")
    stalled = "kubectl wait --for=condition=Stalled sshcredential/hpc-login -n genomics --timeout=60s"
    reader.run(stalled)
    assert reason(reader, "hpc-login") == "KeyUnavailable"
    assert stored(reader) == old["data"]

    reader.run("kubectl delete secret hpc-login-sshcredential -n genomics")
    reader.run("kubectl wait --for=condition=Ready sshcredential/hpc-login -n genomics --timeout=60s")


def stored(reader: Reader) -> Any:
    return json.loads(reader.run("kubectl get secret hpc-login-sshcredential -n genomics -o json"))["data"]
