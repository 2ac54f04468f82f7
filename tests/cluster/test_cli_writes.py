"""`sshcred create --generate`, `rotate`, `rollback` and `delete` on the real API server, with the real operator."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from kubernetes import config

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.keyfiles import KeyFiles
from cluster.rights import grant, revoke
from cluster.shown import Object, generated, imported
from controlplane.clusters import Cluster
from pages.typist import typed
from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import API_VERSION, GROUP, KIND
from sshcredential_operator.client.credential_writes import CredentialWrites
from sshcredential_operator.client.refused import Refused
from unit.cli.command import SSHCRED, Said, sshcred

Run = Callable[..., Said]
STAYS: Final = {"overlap": "1h"}


@pytest.fixture
def run(cluster: Cluster, workspace: Workspace, desk: Desk, tmp_path: Path) -> Run:
    def run(*arguments: str, user: str = "admin") -> Said:
        where = ("-n", workspace.namespace, "--operator-namespace", workspace.operator.operator_namespace)
        return sshcred(tmp_path, *arguments, "--kubeconfig", cluster.kubeconfig_for(user), *where)

    return run


@pytest.fixture
def ready(desk: Desk, name: str) -> Object:
    """A generated credential of the test's name."""
    desk.create(name, generated() | {"rotation": STAYS})
    return desk.until(name, "Available")


def fingerprint(found: Object) -> str:
    shown: str = found["status"]["fingerprint"]
    return shown


def test_a_generated_credential_is_ready_when_the_command_ends(run: Run, desk: Desk, name: str) -> None:
    said = run(
        "create", name, "--generate", "--algorithm", "ECDSA", "--bits", "384", "--description", "For the uploads"
    )
    made = desk.get(name)

    assert said.code == 0, said.error
    assert made["spec"]["generate"].items() >= {"algorithm": "ECDSA", "bits": 384}.items()
    assert made["spec"]["description"] == "For the uploads"
    assert said.lines[0] == (f"{desk.namespace}/{name} is ready: ECDSA 384 {fingerprint(made)}, without a passphrase")
    assert said.lines[2] == made["status"]["publicKey"]
    assert [one["manager"] for one in made["metadata"]["managedFields"] if "subresource" not in one] == ["sshcred"]


def test_what_exists_is_not_touched_by_create(run: Run, desk: Desk, name: str, ready: Object) -> None:
    said = run("create", name, "--generate", "--algorithm", "RSA")

    assert (said.code, said.lines) == (1, [])
    assert f"there is an SSHCredential {name} in namespace {desk.namespace} already" in said.error
    assert f"sshcred rotate {name} -n {desk.namespace} --private-key FILE" in said.error
    assert desk.get(name)["metadata"]["resourceVersion"] == ready["metadata"]["resourceVersion"]


def test_a_generated_key_is_rotated_and_the_one_before_is_told_of(
    run: Run, desk: Desk, name: str, ready: Object
) -> None:
    said = run("rotate", name)
    rotated = desk.get(name)

    assert said.code == 0, said.error
    assert rotated["spec"]["rotation"]["serial"] == rotated["status"]["rotationSerial"] == 1
    assert fingerprint(rotated) != fingerprint(ready)
    assert said.lines[2] == rotated["status"]["publicKey"]
    assert said.lines[3].startswith(
        f"The key before, {fingerprint(ready)}, stays usable until {rotated['status']['previous']['until']}."
    )


def test_a_serial_that_fell_is_raised_above_what_was_answered(run: Run, desk: Desk, name: str, ready: Object) -> None:
    desk.edit(name, {"rotation": {"serial": 5}})
    desk.until_object(name, lambda found: found["status"]["rotationSerial"] == 5, "answered")
    desk.edit(name, {"rotation": {"serial": 0}})

    assert run("rotate", name).code == 0
    assert desk.get(name)["status"]["rotationSerial"] == 6


def test_a_key_that_is_announced_is_shown_with_its_moment(run: Run, desk: Desk, name: str, ready: Object) -> None:
    desk.edit(name, {"rotation": {"prepare": "1h"}})
    said = run("rotate", name)
    staged = desk.get(name)["status"]

    assert said.code == 0, said.error
    assert staged["fingerprint"] == fingerprint(ready)
    assert f"before {staged['next']['promotesAt']}" in said.lines[3]
    assert said.lines[4] == staged["next"]["publicKey"]


def test_an_imported_key_that_is_the_same_is_told_of(run: Run, desk: Desk, name: str, key_files: KeyFiles) -> None:
    desk.make_secret(f"{name}-input", {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(f"{name}-input"))
    desk.until(name, "Available")
    said = run("rotate", name)

    assert (said.code, said.lines) == (1, [])
    assert f"the key is read again from Secret {name}-input, key ssh-privatekey" in said.error
    assert f"{name} has the same key as before" in said.error


def test_a_key_goes_back_and_forth(run: Run, desk: Desk, name: str, ready: Object) -> None:
    assert run("rotate", name).code == 0
    second = desk.get(name)

    assert run("rollback", name).code == 0
    back = desk.get(name)
    assert fingerprint(back) == fingerprint(ready)

    said = run("rollback", name, "--to", fingerprint(second))
    assert said.code == 0, said.error
    assert fingerprint(desk.get(name)) == fingerprint(second)


def test_there_is_nothing_to_go_back_to(run: Run, desk: Desk, name: str, ready: Object) -> None:
    nobody = f"SHA256:{'A' * 43}"

    assert f"no key of {name} from before is stored" in run("rollback", name).error
    said = run("rollback", name, "--to", nobody)
    assert (said.code, said.lines) == (1, [])
    assert f"{name} keeps its key: no key {nobody} is stored any more" in said.error
    assert fingerprint(desk.get(name)) == fingerprint(ready)


def test_a_deleted_credentials_key_is_kept_and_said_to_be(run: Run, desk: Desk, name: str, ready: Object) -> None:
    said = run("delete", name, "--yes")

    assert (said.code, said.lines) == (0, [f"{desk.namespace}/{name} is deleted"])
    assert (
        "The key is kept for 168h: a credential of this name that comes back in that time has it again." in said.error
    )
    assert run("create", name, "--generate").code == 0
    assert fingerprint(desk.get(name)) == fingerprint(ready)


def test_without_a_terminal_nothing_is_deleted_unasked(run: Run, desk: Desk, name: str, ready: Object) -> None:
    said = run("delete", name)

    assert (said.code, said.lines) == (2, [])
    assert "or --yes" in said.error
    assert desk.get(name)["metadata"]["uid"] == ready["metadata"]["uid"]


def test_a_destroyed_key_is_gone(run: Run, desk: Desk, name: str, ready: Object) -> None:
    said = run("delete", name, "--destroy", "--yes")

    assert said.code == 0, said.error
    assert "nobody gets it back, except from a backup" in said.error
    desk.until_gone(name)


def test_what_is_in_use_is_neither_deleted_nor_left_without_its_grace_period(
    run: Run, desk: Desk, exports: ExportDesk, name: str, ready: Object
) -> None:
    exports.create(name, exported(name, f"{name}-copy"))
    desk.until_object(name, lambda found: "usedBy" in found["status"], "used")
    said = run("delete", name, "--destroy", "--yes")

    assert (said.code, said.lines) == (1, [])
    assert said.error.startswith(
        f"Error: SSHCredential {name} is used by SSHCredentialExport {name}; delete that first, or, to delete it all"
    )
    assert desk.get(name)["spec"]["deletionGracePeriod"] == "168h"


def test_who_means_it_is_told_who_used_it(run: Run, desk: Desk, exports: ExportDesk, name: str, ready: Object) -> None:
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    desk.until_object(name, lambda found: "usedBy" in found["status"], "used")
    desk.annotate(name, {"sshcredentials.dev/delete-while-in-use": "true"})
    said = run("delete", name, "--yes")

    assert said.code == 0, said.error
    assert f"It is used by SSHCredentialExport {name}." in said.error
    assert "Copies of the key are in other Secrets, and end with it" in said.error


@pytest.mark.parametrize(("answer", "stays"), [("n", True), ("y", False)])
def test_on_a_terminal_a_deletion_is_asked_about(
    cluster: Cluster, desk: Desk, tmp_path: Path, name: str, ready: Object, *, answer: str, stays: bool
) -> None:
    words = [*SSHCRED, "delete", name, "-n", desk.namespace, "--kubeconfig", str(cluster.kubeconfig_for("admin"))]
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry), "PATH": "/usr/bin:/bin"}
    code, shown = typed(shlex.join(words), tmp_path, path, answer, asks=rb"\[y/N\]: ?\Z")

    assert f"Delete {desk.namespace}/{name}? [y/N]: " in shown
    assert (code, name in {one["metadata"]["name"] for one in desk.all()}) == (int(stays), stays)


def test_what_changed_meanwhile_is_neither_overwritten_nor_deleted(
    cluster: Cluster, desk: Desk, name: str, ready: Object
) -> None:
    seen = parse_credential(ready)
    desk.edit(name, {"description": "changed by somebody else"})
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection:
        writes = CredentialWrites(connection)
        manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": generated()}
        refused = [
            writes.create(desk.namespace, manifest),
            writes.patch(seen, {"rotation": {"serial": 1}}),
            writes.delete(replace(seen, uid="00000000-0000-0000-0000-000000000000")),
        ]

    assert [one.code for one in refused if isinstance(one, Refused)] == [409, 409, 409]
    assert desk.get(name)["spec"]["rotation"]["serial"] == 0


@pytest.mark.parametrize("command", ["rotate", "rollback", "delete"])
def test_a_credential_that_is_not_there_is_told_of(run: Run, desk: Desk, command: str) -> None:
    said = run(command, "nobody-made-this")

    assert (said.code, said.lines) == (1, [])
    assert f"there is no SSHCredential nobody-made-this in namespace {desk.namespace}" in said.error


def test_who_may_not_write_is_told_so(cluster: Cluster, run: Run, desk: Desk, name: str, ready: Object) -> None:
    given = grant(cluster, desk.namespace, "alice", f"sshcredentials.{GROUP}", ["get"])
    for command in (
        ["create", f"{name}-2", "--generate"],
        ["rotate", name],
        ["rollback", name, "--to", fingerprint(ready)],
    ):
        said = run(*command, user="alice")

        assert (said.code, said.lines, said.error.count("\n")) == (1, [], 1)
        assert 'User "alice" cannot ' in said.error
    revoke(cluster, desk.namespace, given)
