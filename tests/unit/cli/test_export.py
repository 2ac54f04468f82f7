"""`sshcred export` without a cluster: the manifests that it makes, and wrong use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from unit.cli.command import Said, sshcred
from unit.encryption.test_recipient import PRIVATE

HOSTS: Final = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
URL: Final = "ssh://git@git.example.org/team/repo.git"
FLUX: Final = ["--profile", "Flux", "--known-hosts", "hosts"]
SSH: Final = ["--profile", "SSHAuth"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "windows").write_bytes(HOSTS.replace("\n", "\r\n").encode())
    (tmp_path / "wrong-hosts").write_text(f"{HOSTS}git.example.org is a host\n")
    (tmp_path / "recipient.json").write_text(json.dumps(PRIVATE))
    (tmp_path / "signing.json").write_text(json.dumps(PRIVATE | {"crv": "Ed25519"}))
    (tmp_path / "zero.json").write_text(json.dumps(PRIVATE | {"x": "A" * 43}))
    return tmp_path


def export(folder: Path, *arguments: str) -> Said:
    return sshcred(folder, "export", *arguments)


@pytest.mark.parametrize(
    ("options", "name", "spec"),
    [
        pytest.param(SSH, "key-ssh-auth", {"profile": "SSHAuth"}, id="a pod that calls ssh"),
        pytest.param(FLUX, "key-flux", {"profile": "Flux", "knownHosts": {"inline": HOSTS}}, id="Flux"),
        pytest.param(
            ["--profile", "Flux", "--target", "login-node"],
            "key-flux",
            {"profile": "Flux", "targetRef": {"name": "login-node"}},
            id="Flux, with the host keys of a target",
        ),
        pytest.param(
            ["--profile", "ArgoCDRepository", "--url", URL, "--username", "git"],
            "key-argocd",
            {"profile": "ArgoCDRepository", "url": URL, "username": "git"},
            id="Argo CD",
        ),
        pytest.param(
            ["--profile", "GitSync", "--known-hosts", "windows"],
            "key-git-sync",
            {"profile": "GitSync", "knownHosts": {"inline": HOSTS}},
            id="git-sync, with a file from Windows",
        ),
        pytest.param(
            ["--recipient", "recipient.json"],
            "key-recipient",
            {"recipient": {"publicKey": {"kty": "OKP", "crv": "X25519", "x": PRIVATE["x"]}}},
            id="a recipient, and nothing of the private half",
        ),
        pytest.param(
            [*SSH, "--format", "PEM", "--strip-passphrase", "--expires-after", "1h30m"],
            "key-ssh-auth",
            {"profile": "SSHAuth", "privateKeyFormat": "PEM", "passphrase": "Strip", "expiresAfter": "1h30m"},
            id="everything about the file",
        ),
    ],
)
def test_the_manifest_says_what_was_asked_for(
    folder: Path, options: list[str], name: str, spec: dict[str, Any]
) -> None:
    said = export(folder, "key", *options, "--dry-run")

    assert (said.code, said.error) == (0, "")
    assert yaml.safe_load("\n".join([*said.lines, ""])) == {
        "apiVersion": "sshcredentials.dev/v1alpha1",
        "kind": "SSHCredentialExport",
        "metadata": {"name": name},
        "spec": {"credentialRef": {"name": "key"}, "secretName": name} | spec,
    }


def test_names_and_namespace_are_taken_as_given(folder: Path) -> None:
    said = export(
        folder, "key", *SSH, "--export-name", "mine", "--secret-name", "my.copy", "-n", "genomics", "-o", "yaml"
    )
    found = yaml.safe_load("\n".join(said.lines))

    assert found["metadata"] == {"name": "mine", "namespace": "genomics"}
    assert found["spec"]["secretName"] == "my.copy"
    assert export(folder, "key", *SSH, "--export-name", "mine", "--dry-run").lines[-2] == "  secretName: mine"


def test_known_hosts_are_readable_lines(folder: Path) -> None:
    lines = export(folder, "key", *FLUX, "--dry-run").lines

    assert lines[-2:] == ["    inline: |", f"      {HOSTS.strip()}"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["key"], "exactly one of --profile (a plain copy) and --recipient", id="for nobody"),
        pytest.param(["key", *SSH, "--recipient", "recipient.json"], "exactly one of --profile", id="for two"),
        pytest.param(["key", "--profile", "Jenkins"], "'Jenkins' is not one of 'SSHAuth', 'Flux'", id="a stranger"),
        pytest.param(["key", "--profile", "Flux"], "--profile Flux needs --known-hosts", id="Flux without hosts"),
        pytest.param(["key", *FLUX, "--target", "t1"], "at most one of --known-hosts", id="hosts of two origins"),
        pytest.param(["key", *SSH, "--target", "My_Target"], "My_Target is no name", id="a target's name that is none"),
        pytest.param(["key", "--profile", "ArgoCDRepository"], "needs --url", id="Argo CD without an address"),
        pytest.param(["My_Key", *SSH], "My_Key is no name", id="a name that is none"),
        pytest.param(["k\x1b[31m", *SSH], "'k\\x1b[31m' is no name", id="a name that a terminal would obey"),
        pytest.param(["k" * 60, *SSH], "--export-name: " + "k" * 60 + "-ssh-auth is no name", id="a name too long"),
        pytest.param(["key", *SSH, "--expires-after", "8 hours"], "is no duration such as 8h", id="no duration"),
        pytest.param(["key", *SSH, "--expires-after", "30s"], "of at least 1m", id="too short"),
        pytest.param(["key", *SSH, "--timeout", "soon"], "--timeout: is no duration", id="no time to wait"),
        pytest.param(["key", *SSH, "--known-hosts", "absent"], "absent: No such file or directory", id="no such hosts"),
        pytest.param(["key", *SSH, "--known-hosts", "wrong-hosts"], "no known_hosts file: line 2", id="wrong hosts"),
        pytest.param(["key", *SSH, "--known-hosts", "/dev/null"], "it has no host, or is too long", id="no hosts"),
        pytest.param(["key", "--recipient", "hosts"], "--recipient: is no JWK", id="a recipient that is no JSON"),
        pytest.param(["key", "--recipient", "signing.json"], "is no JWK with kty OKP, crv X25519", id="another curve"),
        pytest.param(["key", "--recipient", "zero.json"], "is no JWK with kty OKP, crv X25519", id="everybody's key"),
        pytest.param([*SSH], "Missing argument 'NAME'", id="no credential"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(folder: Path, arguments: list[str], told: str) -> None:
    said = export(folder, *arguments, "--dry-run")

    assert (said.code, said.lines) == (2, [])
    assert told in " ".join(said.error.split())
    assert "\x1b" not in said.error


def test_where_to_list_is_said_once(folder: Path) -> None:
    assert sshcred(folder, "exports", "-A", "-n", "genomics").code == 2


@pytest.mark.parametrize("config", ["", "{", "apiVersion: v1\nkind: Config\n"], ids=["empty", "no YAML", "no context"])
def test_without_a_cluster_one_sentence_is_said(folder: Path, config: str) -> None:
    (folder / "config").write_text(config)
    for command in (["exports"], ["export", "key", *SSH]):
        said = sshcred(folder, *command, "--kubeconfig", "config")

        assert (said.code, said.lines, said.error.count("\n")) == (4, [], 1)
        assert said.error.startswith("Error: no cluster to work with")


def test_nothing_of_the_kubernetes_client_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    load = "import sys; from sshcredential_operator.cli import sshcred"
    program = f"{load}; print(sorted({{*sys.modules}} & {{'aiohttp', 'kopf', 'kubernetes'}}))"
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=path, capture_output=True, check=True)

    assert done.stdout == b"[]\n"


def test_what_the_clients_libraries_log_is_not_shown(folder: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "interactiveMode": "Never"}
    found = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"exec": plugin}}],
    }
    (folder / "config").write_text(yaml.safe_dump(found))
    said = sshcred(folder, "exports", "--kubeconfig", "config")

    assert (said.code, said.lines, said.error.count("\n")) == (4, [], 1)
    assert "no-such-plugin" not in said.error
