"""A reader follows the page on exports from top to bottom, word for word, where the README's quick start ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from contract.markdown import blocks
from contract.readme_commands import EXPORTS, commands_to_run, quick_start
from controlplane.fixtures import OwnControlPlane
from pages.reader import Reader

HOSTS: Final = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
READ: Final = "from jwcrypto.jwk import JWK; from jwcrypto.jwe import JWE"


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "known_hosts").write_text(HOSTS)
    somebody = Reader(tmp_path, own_control_plane().kubeconfig_for("admin"))
    yield somebody
    somebody.end_operator()


def blocks_in(language: str) -> list[str]:
    return [block.text for block in blocks(EXPORTS.read_text()) if block.language == language]


def may(reader: Reader, user: str, credential: str) -> str:
    return reader.run(f"kubectl auth can-i export sshcredential/{credential} --as={user} || true").splitlines()[-1]


def test_a_reader_gets_what_the_page_promises(reader: Reader, tmp_path: Path) -> None:
    for command in [*quick_start(), *commands_to_run(EXPORTS.read_text())]:
        reader.follow(command)

    # What consumers and pods name is there, and the API server takes the pods as they stand on the page.
    manifests = [yaml.safe_load(text) for text in blocks_in("yaml")]
    named = [v["secret"]["secretName"] for one in manifests for v in one["spec"].get("volumes", []) if "secret" in v]
    named += [one["spec"]["secretRef"]["name"] for one in manifests if one["kind"] == "GitRepository"]
    assert sorted(named) == ["flux-git-auth", "for-the-recipient", "git-sync-auth", "ssh-auth"]
    reader.run(f"kubectl get secrets {shlex.join(named)}")
    pods = [one for one in manifests if one["kind"] == "Pod"]
    for pod in pods:
        (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))
        assert reader.run("kubectl apply --dry-run=server -f pod.yaml").endswith("created (server dry run)")
    assert len(pods) == 3

    # The recipient has the key of the credential, with sshcred and with another library.
    public = reader.run("kubectl get sshcredential hpc-login -o jsonpath='{.status.publicKey}'").split()
    assert reader.run("ssh-keygen -y -f opened/id").split()[:2] == public[:2]
    [three_lines] = blocks_in("python")
    (tmp_path / "read.py").write_text(f"{READ}\n{three_lines}\nprint(private_key.decode(), end='')\n")
    assert reader.run(".venv/bin/python read.py") == (tmp_path / "opened" / "id").read_text().strip()

    # Each has the right that the page gave, and no more.
    asked = [("alice", "hpc-login"), ("alice", "another"), ("bob", "hpc-login"), ("bob", "another")]
    assert [may(reader, *who) for who in asked] == ["yes", "yes", "yes", "no"]

    # One copy was ended at the end, and its Secret goes.
    reader.run("kubectl wait --for=delete secret/hpc-login-argocd --timeout=30s")
    left = [line.split()[0] for line in reader.run(".venv/bin/sshcred exports").splitlines()[1:]]
    forms = ("flux", "git-sync", "recipient", "sealed", "ssh-auth")
    assert left == ["for-tonight", *(f"hpc-login-{form}" for form in forms)]
