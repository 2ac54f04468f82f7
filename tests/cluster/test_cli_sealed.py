"""A private key goes from a desk into the cluster, sealed: created, rotated, committed; nothing of it in the clear."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml

from cluster.conftest import StartOperator, Workspace
from cluster.desk import Desk, desk_in
from cluster.encodings import Search
from cluster.hiding_places import audited, objects, revisions
from cluster.keyfiles import PASSPHRASE, KeyFile, KeyFiles
from cluster.needles import ANYWHERE, NOWHERE, of_file, of_numbers, of_words
from cluster.opened import open_stored
from cluster.rights import grant_cluster, grant_everybody, grant_operator_namespace, grant_workspace
from cluster.shown import reason_of
from controlplane.binaries import find_binaries
from controlplane.clusters import Cluster
from controlplane.fixtures import OwnControlPlane
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.sealing import seal_of
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP
from unit.cli.command import Said, sshcred
from unit.keys.key_files import private_file, run

Run = Callable[..., Said]
WORDS: Final = "a passphrase that is long enough to be looked for"


class Hands:
    """A person's files, and sshcred."""

    def __init__(self, folder: Path, cluster: Cluster, namespace: str, operator_namespace: str) -> None:
        self.folder, self._cluster = folder, cluster
        self.where = ("-n", namespace, "--operator-namespace", operator_namespace)

    def write(self, name: str, content: bytes) -> str:
        private_file(self.folder / name, content)
        return name

    def key(self, name: str, key: KeyFile, passphrase: str = "") -> list[str]:
        """Write a key file; return the options that name it and its passphrase."""
        self.write(name, key.content)
        given = ["--passphrase-file", self.write(f"{name}.passphrase", passphrase.encode())] if passphrase else []
        return ["--private-key", name, *given]

    def run(self, *arguments: str, user: str = "admin", where: tuple[str, ...] | None = None) -> Said:
        asked = self.where if where is None else where
        return sshcred(self.folder, *arguments, "--kubeconfig", self._cluster.kubeconfig_for(user), *asked)


@pytest.fixture
def hands(cluster: Cluster, workspace: Workspace, tmp_path: Path) -> Hands:
    return Hands(tmp_path, cluster, workspace.namespace, workspace.operator.operator_namespace)


def test_a_key_with_its_passphrase_is_ready_when_the_command_ends(
    cluster: Cluster, workspace: Workspace, hands: Hands, desk: Desk, key_files: KeyFiles, name: str
) -> None:
    key = key_files.key(passphrase=PASSPHRASE)
    said = hands.run("create", name, *hands.key("mine", key, PASSPHRASE), "--display-name", name.replace("-", "_"))
    status = desk.get(name)["status"]

    assert said.code == 0, said.error
    assert said.lines[0] == (f"{desk.namespace}/{name} is ready: Ed25519 256 {key.fingerprint}, with a passphrase")
    assert said.lines[2].split()[:2] == key.public.split()[:2]
    assert (status["passphraseProtected"], status["name"]) == (True, name.replace("-", "_"))
    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        assert open_stored(desk, name, key_ring).passphrase == PASSPHRASE.encode()


def test_a_manifest_for_git_is_made_without_a_cluster_and_taken_by_it(
    cluster: Cluster, hands: Hands, desk: Desk, key_files: KeyFiles, name: str
) -> None:
    got = hands.run("sealing-key", where=hands.where[2:])
    (hands.folder / "key.json").write_text("\n".join(got.lines))
    nowhere = ["--kubeconfig", hands.write("nowhere", b"")]
    key = key_files.key("PKCS#8")
    made = [*hands.key("mine", key), "--sealing-key", "key.json", "-n", desk.namespace, "--dry-run", "-o", "yaml"]
    said = sshcred(hands.folder, "create", name, *made, *nowhere)

    assert said.code == 0, said.error
    cluster.kubectl("apply", "-f", "-", input="\n".join(said.lines))
    assert desk.until(name, "Available")["status"]["fingerprint"] == key.fingerprint

    # And again: the same key sealed anew is no rotation.
    again = sshcred(hands.folder, "create", name, *made, *nowhere)
    assert again.lines != said.lines
    cluster.kubectl("apply", "-f", "-", input="\n".join(again.lines))
    assert desk.until(name, "Available")["status"]["keyNumber"] == 1


def test_the_printed_sealing_keys_are_the_published_ones_and_can_be_compared(
    cluster: Cluster, workspace: Workspace, hands: Hands
) -> None:
    said = hands.run("sealing-key", where=hands.where[2:])
    compare = next(line.partition(": kubectl ")[2] for line in said.error.splitlines() if ": kubectl " in line)
    shown = subprocess.run(
        ["/bin/sh", "-c", f'kubectl() {{ {cluster_command(cluster)} "$@"; }}; kubectl {compare}'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert yaml.safe_load(shown) == yaml.safe_load("\n".join(said.lines))
    fingerprint = said.error.partition(" (")[2].partition(",")[0]
    assert fingerprint.startswith("SHA256:")
    assert fingerprint in workspace.operator.log.read_text()


def cluster_command(cluster: Cluster) -> str:
    return shlex.join([*find_binaries().kubectl, "--kubeconfig", str(cluster.kubeconfig_for("admin"))])


def test_another_key_takes_the_place_of_a_sealed_one(hands: Hands, desk: Desk, key_files: KeyFiles, name: str) -> None:
    first, second = key_files.key(passphrase=PASSPHRASE), key_files.key("SEC1")
    assert hands.run("create", name, *hands.key("first", first, PASSPHRASE)).code == 0

    assert "give the other one with --private-key FILE" in hands.run("rotate", name).error
    same = hands.run("rotate", name, *hands.key("first", first, PASSPHRASE))
    assert (same.code, same.lines) == (1, [])
    assert f"{name} has this very key already ({first.fingerprint}): nothing was changed" in same.error

    said = hands.run("rotate", name, *hands.key("second", second))
    found = desk.get(name)
    assert said.code == 0, said.error
    assert (found["status"]["fingerprint"], found["status"]["passphraseProtected"]) == (second.fingerprint, False)
    assert found["spec"]["sealed"].keys() == {"privateKey"}
    assert found["status"]["previous"]["fingerprint"] == first.fingerprint
    assert f"The key before, {first.fingerprint}, stays usable until" in said.lines[3]

    assert hands.run("create", name, *hands.key("first", first, PASSPHRASE)).code == 1
    assert desk.get(name)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


def test_a_scope_is_kept_when_the_key_is_replaced(hands: Hands, desk: Desk, key_files: KeyFiles, name: str) -> None:
    first = hands.key("first", key_files.key())
    assert hands.run("create", name, *first, "--scope", "namespace").code == 0
    assert hands.run("rotate", name, *hands.key("second", key_files.key("SEC1"))).code == 0

    seal = seal_of(desk.get(name)["spec"]["sealed"]["privateKey"])
    assert seal is not None
    assert seal.place == f"any credential of {desk.namespace}"


def test_a_dry_run_asks_the_cluster_for_the_sealing_keys_and_nothing_else(
    own_control_plane: OwnControlPlane, hands: Hands, key_files: KeyFiles, start_operator: StartOperator
) -> None:
    plane = own_control_plane(with_api=True)
    own, workspace = "sshcredential-system", "genomics"
    for namespace in (own, workspace):
        plane.kubectl("create", "namespace", namespace)
    grant_operator_namespace(plane, own, "operator")
    grant_workspace(plane, workspace, "operator")
    grant_cluster(plane, "operator")
    grant_everybody(plane, own)
    start_operator(operator_namespace=own, workspaces=[workspace], on=plane)
    desk = Hands(hands.folder, plane, workspace, own)
    wait_until(lambda: desk.run("sealing-key", where=(), user="carol").code == 0, "everybody may see the sealing keys")
    since = plane.audit_mark()
    said = desk.run("create", "hpc-login", *desk.key("mine", key_files.key()), "--dry-run", user="carol")

    assert said.code == 0, said.error
    asked = [event for event in plane.audit_events(since) if event.user == "carol"]
    assert [(event.verb, event.resource, event.name) for event in asked] == [
        ("get", "configmaps", SEALING_KEYS_CONFIG_MAP)
    ]


def test_nothing_of_a_key_or_its_passphrase_is_sent_in_the_clear(
    own_control_plane: OwnControlPlane, tmp_path: Path, start_operator: StartOperator
) -> None:
    plane = own_control_plane(with_api=True, audit_level="RequestResponse")
    own, workspace = "sshcredential-system", "genomics"
    for namespace in (own, workspace):
        plane.kubectl("create", "namespace", namespace)
    grant_operator_namespace(plane, own, "operator")
    grant_workspace(plane, workspace, "operator")
    grant_cluster(plane, "operator")
    start_operator(operator_namespace=own, workspaces=[workspace], on=plane)
    hands = Hands(tmp_path, plane, workspace, own)
    plain = private_file(tmp_path / "plain", b"")
    plain.unlink()
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "", "-f", plain)
    public = plain.with_suffix(".pub").read_text()
    open_file = plain.read_bytes()
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", WORDS, "-f", plain)
    hands.write("words", WORDS.encode())
    needles = of_file("the file without passphrase", open_file, NOWHERE, public=public)
    needles |= of_file("the file as it lies there", plain.read_bytes(), NOWHERE, public=public)
    needles |= of_numbers("the key", open_file, NOWHERE) | of_words("the passphrase", WORDS, NOWHERE)
    canary = of_words("what it is for", "a description that is no secret", ANYWHERE)

    wait_until(lambda: hands.run("sealing-key", where=hands.where[2:]).code == 0, "the sealing keys are published")
    given = ["--private-key", "plain", "--passphrase-file", "words"]
    said = hands.run("create", "hpc-login", *given, "--description", "a description that is no secret")
    another = hands.run("rotate", "hpc-login", *given)
    assert said.code == 0, said.error
    assert "has this very key already" in another.error
    assert reason_of(
        yaml.safe_load(plane.kubectl("get", "sshcred", "hpc-login", "-n", workspace, "-o", "yaml").stdout)
    ) == ("Available")

    search = Search(needles | canary)
    found = {hit.needle for place in audited(plane) for hit in search.hits(place.content)}
    found |= {hit.needle for place in [*objects(plane), *revisions(plane)] for hit in search.hits(place.content)}
    assert found == set(canary)
    assert {hit.needle for hit in search.hits(open_file + plain.read_bytes() + WORDS.encode())} >= {
        needle for needle in needles if not needle.what.startswith("the key: ")
    }


def test_who_runs_another_operator_is_told_where_to_look(hands: Hands, key_files: KeyFiles, name: str) -> None:
    said = hands.run("create", name, *hands.key("mine", key_files.key()), where=(*hands.where[:2],))

    assert (said.code, said.lines) == (1, [])
    assert "there are no sealing keys in namespace sshcredential-system" in said.error
    assert "--operator-namespace" in said.error
