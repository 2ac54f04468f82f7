"""`sshcred export` and `exports` on the real API server, with the real operator: what people get, and are told."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.rights import Right, grant_role
from cluster.shown import data_of
from controlplane.clusters import Cluster
from sshcredential_operator.api.names import GROUP
from unit.cli.command import Said, sshcred
from unit.encryption.test_recipient import PRIVATE

HOSTS: Final = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
URL: Final = "ssh://git@git.example.org/team/repo.git"
Run = Callable[..., Said]


@pytest.fixture(scope="module")
def plain(desk: Desk) -> str:
    """A credential whose key has no passphrase."""
    desk.create("a-key-for-the-command-line", {"generate": {}})
    return "a-key-for-the-command-line"


@pytest.fixture(scope="module")
def protected(desk: Desk) -> str:
    """A credential whose key has a passphrase."""
    desk.create("a-protected-key-for-the-command-line", {"generate": {"passphrase": "Generate"}})
    return "a-protected-key-for-the-command-line"


@pytest.fixture
def run(cluster: Cluster, workspace: Workspace, exports: ExportDesk, tmp_path: Path) -> Run:
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "recipient.json").write_text(json.dumps(PRIVATE))

    def run(*arguments: str, user: str = "admin", where: tuple[str, ...] = ("-n", workspace.namespace)) -> Said:
        return sshcred(tmp_path, *arguments, "--kubeconfig", cluster.kubeconfig_for(user), *where)

    return run


@pytest.mark.parametrize(
    ("options", "values"),
    [
        pytest.param(["--profile", "SSHAuth"], {"ssh-privatekey", "ssh-publickey"}, id="a pod that calls ssh"),
        pytest.param(
            ["--profile", "Flux", "--known-hosts", "hosts"], {"identity", "identity.pub", "known_hosts"}, id="Flux"
        ),
        pytest.param(["--profile", "ArgoCDRepository", "--url", URL], {"sshPrivateKey", "type", "url"}, id="Argo CD"),
        pytest.param(["--profile", "GitSync", "--known-hosts", "hosts"], {"ssh", "known_hosts"}, id="git-sync"),
        pytest.param(["--recipient", "recipient.json"], {"privateKey.jwe"}, id="a recipient"),
    ],
)
def test_a_copy_is_asked_for_and_there_when_the_command_ends(
    run: Run, desk: Desk, plain: str, name: str, options: list[str], values: set[str]
) -> None:
    said = run("export", plain, *options, "--export-name", name, "--secret-name", f"{name}-copy")

    assert (said.code, len(said.lines)) == (0, 2), said.error
    assert said.lines[0].startswith(f"{desk.namespace}/{name}: Secret {name}-copy holds a copy of key number 1 ")
    assert said.lines[1].startswith("It ends when you say so: kubectl delete sshcredentialexport " + name)
    copy = desk.secret(f"{name}-copy")
    assert copy is not None
    assert data_of(copy).keys() == values


def test_the_same_again_changes_what_is_asked_for(run: Run, exports: ExportDesk, plain: str, name: str) -> None:
    again = ("export", plain, "--export-name", name, "--profile", "SSHAuth")
    assert run(*again, "--known-hosts", "hosts").code == 0
    said = run(*again, "--format", "OpenSSH", "--expires-after", "8h")

    assert said.code == 0
    assert said.lines[1].startswith("It ends at 20")
    assert exports.get(name)["spec"] == exported(
        plain, name, expiresAfter="8h", passphrase="Keep", privateKeyFormat="OpenSSH"
    )


def test_a_dry_run_prints_what_the_api_server_takes(
    cluster: Cluster, run: Run, exports: ExportDesk, workspace: Workspace, plain: str, name: str
) -> None:
    said = run("export", plain, "--profile", "Flux", "--known-hosts", "hosts", "--export-name", name, "--dry-run")
    text = "\n".join(said.lines)
    tried = cluster.kubectl("apply", "--dry-run=server", "-f", "-", input=text).stdout

    assert yaml.safe_load(text)["metadata"] == {"name": name, "namespace": workspace.namespace}
    assert tried == f"sshcredentialexport.{GROUP}/{name} created (server dry run)\n"
    assert name not in exports.names()


@pytest.fixture
def credentials(plain: str, protected: str) -> None:
    """Those that the mistakes are about."""


MISTAKES: Final = {
    "an unknown credential": (
        ["nobody-made-this", "--profile", "SSHAuth", "--timeout", "2s"],
        "is not ready: CredentialMissing: There is no SSHCredential nobody-made-this in this namespace",
        True,
    ),
    "an address that is none": (
        ["a-key-for-the-command-line", "--profile", "ArgoCDRepository", "--url", "https://me:hidden@example.org/a"],
        "Error: spec.url: url must be ssh://git@git.example.org/team/repo.git or git@git.example.org:team/repo.git",
        False,
    ),
    "a passphrase that git-sync cannot take": (
        ["a-protected-key-for-the-command-line", "--profile", "GitSync", "--known-hosts", "hosts"],
        "is not ready: PassphraseNotTaken: The key of SSHCredential a-protected-key-for-the-command-line has a",
        False,
    ),
}


@pytest.mark.parametrize(("arguments", "told", "may_pass"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence_and_ends_with_1(
    run: Run, credentials: None, name: str, arguments: list[str], told: str, may_pass: bool
) -> None:
    said = run("export", *arguments, "--export-name", name)
    waited = [line for line in said.error.splitlines() if line.startswith("waiting: ")]
    rest = [line for line in said.error.splitlines() if line not in waited]

    assert (said.code, said.lines, len(rest)) == (1, [], 1)
    assert told in rest[0]
    assert any(told.rpartition(": ")[2] in line for line in waited) is may_pass  # else nothing is waited for
    assert "hidden" not in said.error


def test_who_may_not_export_is_told_what_to_ask_for(
    cluster: Cluster, workspace: Workspace, run: Run, exports: ExportDesk, plain: str, name: str
) -> None:
    right = Right("create", "sshcredentialexports", GROUP)
    grant_role(cluster, workspace.namespace, "bob", "sshcredential-editor", right)
    said = run("export", plain, "--profile", "SSHAuth", "--export-name", name, user="bob")

    assert (said.code, said.lines) == (1, [])
    assert said.error == (
        f"Error: bob may not export SSHCredential {plain}, which spec.credentialRef names; ask for the verb export on "
        f"it in namespace {workspace.namespace} (ClusterRole sshcredential-exporter), or let somebody who has it apply "
        "this export\n"
    )
    assert name not in exports.names()


def test_who_has_no_rights_at_all_is_told_so(run: Run, plain: str) -> None:
    for command in (["exports"], ["export", plain, "--profile", "SSHAuth"]):
        said = run(*command, user="carol")

        assert (said.code, said.lines, said.error.count("\n")) == (1, [], 1)
        assert 'User "carol" cannot ' in said.error


def test_what_another_tool_holds_is_left_to_it(run: Run, exports: ExportDesk, plain: str, name: str) -> None:
    exports.create(name, exported(plain, f"{name}-by-hand"))
    said = run("export", plain, "--profile", "SSHAuth", "--export-name", name)

    assert said.code == 1
    assert said.error.startswith("Error: Apply failed with 1 conflict: conflict with ")
    assert exports.get(name)["spec"]["secretName"] == f"{name}-by-hand"


def test_exports_are_listed(run: Run, workspace: Workspace, plain: str, name: str) -> None:
    run("export", plain, "--recipient", "recipient.json", "--export-name", name)
    row = [name, plain, name, "(recipient)", "True", "Exported"]
    table = [line.split() for line in run("exports").lines]
    everywhere = [line.split() for line in run("exports", "-A", where=()).lines]
    facts = {one["name"]: one for one in run("exports", "-o", "json").objects}

    assert table[0] == ["NAME", "CREDENTIAL", "SECRET", "PROFILE", "READY", "REASON", "EXPIRES"]
    assert row in table
    assert [workspace.namespace, *row] in everywhere
    assert facts[name] == {
        "namespace": workspace.namespace,
        "name": name,
        "credential": plain,
        "secret": name,
        "profile": None,
        "ready": "True",
        "reason": "Exported",
        "expires": None,
    }
    assert f"sshcredentialexports.{GROUP}/{name}" in run("exports", "-o", "name").lines


def test_a_namespace_without_exports_is_no_mistake(run: Run) -> None:
    said = run("exports", where=("-n", "kube-system"))

    assert (said.code, said.lines, said.error) == (0, [], "there are no exports in namespace kube-system\n")


def test_a_server_that_does_not_answer_is_told_in_one_sentence(cluster: Cluster, run: Run, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        found = yaml.safe_load(cluster.kubeconfig_for("admin").read_text())
        found["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        (tmp_path / "elsewhere").write_text(yaml.safe_dump(found))
        said = sshcred(tmp_path, "exports", "--kubeconfig", "elsewhere", "-n", "default")

    assert (said.code, said.lines) == (4, [])
    assert said.error == (
        "Error: the API server does not answer, or not as one; does your kubeconfig name the right cluster?\n"
    )
