"""`sshcred keyring` on the real API server, with a real operator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import data_of, generated, secret_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from unit.cli.command import Said, sshcred

Run = Callable[..., Said]
NAMES = ["held-0", "held-1", "held-2"]


@pytest.fixture
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[RingDesk]:
    with ring_desk(cluster, namespaces, tmp_path) as desk:
        desk.prepared.start()
        desk.desk.apply({name: generated() for name in NAMES})
        desk.desk.wait_for_ready(NAMES)
        desk.key_id()
        yield desk


@pytest.fixture
def run(cluster: Cluster, ring: RingDesk, tmp_path: Path) -> Run:
    def run(*words: str, user: str = "admin") -> Said:
        where = ("--kubeconfig", cluster.kubeconfig_for(user), "--operator-namespace", ring.own.namespace)
        patience = () if "--timeout" in words or words[0] == "status" else ("--timeout", "45s")
        return sshcred(tmp_path, "keyring", *words, *where, *patience)

    return run


def kids(ring: RingDesk, name: str) -> set[str]:
    return {json.loads(value)["header"]["kid"] for value in data_of(ring.desk.stored(name)).values()}


def why(ring: RingDesk, name: str) -> str:
    """Return the reason of Ready."""
    conditions = ring.desk.get(name)["status"]["conditions"]
    return str(next(one["reason"] for one in conditions if one["type"] == "Ready"))


def test_the_status_names_the_keys_and_whether_there_is_a_backup(
    ring: RingDesk, run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    shown = run("status")
    text = "\n".join(shown.lines)

    assert shown.code == 0, shown.error
    for part in (ring.state()["root"]["keyId"], ring.key_id(), "Secret sshcredential-root-key", "never backed up"):
        assert part in text
    assert json.loads("\n".join(run("status", "-o", "json").lines))["state"] == ring.state()

    words = tmp_path / "words"
    words.write_text("test-only-secret-value-of-the-backup\n")
    words.chmod(0o600)
    where = ("--kubeconfig", cluster.kubeconfig_for("admin"), "--operator-namespace", ring.own.namespace)
    made = sshcred(tmp_path, "keyring", "backup", "--out", tmp_path / "ring", "--passphrase-file", words, *where)
    assert made.code == 0, made.error
    wait_until(lambda: ring.state().get("backedUpAt"), "the operator has seen the backup")
    assert "never backed up" not in "\n".join(run("status").lines)


def test_all_that_can_be_opened_is_opened_and_nothing_changed(ring: RingDesk, run: Run) -> None:
    documents = ring.kek_documents()
    found = run("verify", "--credentials")

    # Other tests' credentials are in the same cluster, under the key rings of their own operators.
    assert found.code in {0, 1}, found.error
    assert "does not open" not in found.error
    assert ring.key_id() not in found.error
    assert "workspaces' keys:  1 open, 0 do not" in found.lines
    assert f"{len(NAMES)} Secrets of credentials name {ring.key_id()}" in found.lines
    assert ring.kek_documents() == documents


def test_a_workspaces_key_is_replaced_and_the_old_one_dropped(ring: RingDesk, run: Run) -> None:
    namespace, old = ring.desk.namespace, ring.key_id()
    turned = run("rotate-workspace", namespace)

    assert turned.code == 0, turned.error
    new = ring.key_id()
    assert new != old
    assert all(kids(ring, name) == {new} for name in NAMES)
    assert f"sshcred keyring drop {old}" in turned.lines[-1]
    refused = run("drop", new)
    assert (refused.code, refused.lines) == (1, [])
    assert "is the one for writing" in refused.error
    dropped = run("drop", old)
    assert (dropped.code, dropped.lines) == (0, [f"dropped {old}"]), dropped.error


def test_a_command_that_was_broken_off_finds_its_request_and_makes_no_other_key(ring: RingDesk, run: Run) -> None:
    namespace, old = ring.desk.namespace, ring.key_id()
    ring.prepared.operator.stop()
    late = run("rotate-workspace", namespace, "--timeout", "1s")
    assert late.code == 3
    assert "the same command goes on watching it" in late.error
    ring.prepared.start()
    assert f"rotate-workspace {namespace} --key {old}" in late.error
    for _ in range(2):  # the first may come before the end of the rotation, the second does not
        again = run("rotate-workspace", namespace, "--key", old)
        assert again.code == 0, again.error
    assert len(ring.kek_documents()) == 2


def test_after_a_leak_the_ssh_keys_are_said_to_be_replaced_too(ring: RingDesk, run: Run) -> None:
    before = [ring.desk.get(name)["status"]["fingerprint"] for name in NAMES]
    turned = run("rotate-workspace", "--all", "--re-encrypt", "--raise-serials")

    assert turned.code == 0, turned.error
    assert "Those must be replaced, too." in turned.error

    def replaced() -> bool:
        now = [ring.desk.get(name)["status"]["fingerprint"] for name in NAMES]
        return not set(now) & set(before)

    wait_until(replaced, "every SSH key is another one")


def test_the_root_key_is_replaced_and_the_old_one_dropped(ring: RingDesk, run: Run) -> None:
    old = ring.state()["root"]["keyId"]
    in_use = run("drop", old)
    assert in_use.code == 1
    assert "is the root key that is used" in in_use.error
    turned = run("rotate-root")

    assert turned.code == 0, turned.error
    assert ring.state()["root"]["keyId"] != old
    assert run("drop", old).code == 0


def test_after_shredding_no_backup_opens_and_a_new_credential_gets_a_new_key(ring: RingDesk, run: Run) -> None:
    namespace, old, name = ring.desk.namespace, ring.key_id(), NAMES[0]
    backup = data_of(ring.desk.stored(name))
    without = run("shred", namespace)
    assert without.code == 2
    assert ring.kek_documents() != []
    gone = run("shred", namespace, "--yes", namespace)

    assert gone.code == 0, gone.error
    assert f"{len(NAMES)} credentials: {', '.join(NAMES)}" in gone.error
    assert "old dump of the operator's namespace" in gone.error
    assert ring.kek_documents() == []
    wait_until(lambda: {why(ring, one) for one in NAMES} == {"KeyUnavailable"}, "the credentials are lost")
    assert data_of(ring.desk.stored(name)) == backup

    ring.desk.create("made-later", generated())
    ring.desk.wait_for_ready(["made-later"])
    assert kids(ring, "made-later") == {ring.key_id()}
    assert ring.key_id() != old
    ring.desk.change_secret(secret_of(name), data=backup)
    ring.prepared.operator.stop()
    ring.prepared.start()
    ring.desk.wait_for_ready(["made-later"])
    assert why(ring, name) == "KeyUnavailable"


MISTAKES: dict[str, tuple[list[str], int, str]] = {
    "no such namespace": (["rotate-workspace", "nobody-made-me"], 1, "there is no namespace nobody-made-me"),
    "one and all": (["rotate-workspace", "team-a", "--all"], 2, "either the name of a workspace or --all"),
    "a key and all": (["rotate-workspace", "--all", "--key", "x"], 2, "--key is about one workspace"),
    "serials alone": (["rotate-workspace", "team-a", "--raise-serials"], 2, "belongs to --re-encrypt"),
    "no key there": (["rotate-workspace", "default"], 1, "workspace default has no key yet"),
    "no name of a key": (["drop", "newest"], 2, "is no name of a key"),
    "an unknown key": (["drop", "7.000000000000.0000000000000000"], 1, "no workspace has a key"),
    "an unknown root key": (["drop", "0000000000000000"], 1, "There is no key 0000000000000000"),
    "nothing to shred": (["shred", "default", "--yes", "default"], 1, "has no key that could be destroyed"),
    "another name to shred": (["shred", "default", "--yes", "team-a"], 2, "once more, which is default"),
    "nothing to rebind": (["rebind", "default"], 1, "there is no key of an earlier namespace default"),
    "no namespace to rebind": (["rebind", "nobody-made-me"], 1, "there is no namespace nobody-made-me"),
    "no duration": (["rotate-root", "--timeout", "soon"], 2, "is no duration"),
    "no such form": (["status", "-o", "toml"], 2, "toml"),
    "no duration to verify": (["verify", "--timeout", "soon"], 2, "is no duration"),
}


def test_mistakes_are_told_and_change_nothing(ring: RingDesk, run: Run, tmp_path: Path, cluster: Cluster) -> None:
    documents = ring.kek_documents()
    for sentence, (words, code, told) in MISTAKES.items():
        said = run(*words)
        assert (said.code, said.lines) == (code, []), sentence
        assert " ".join(told.split()) in " ".join(said.error.split()), sentence
    for words in (["status"], ["verify"], ["rotate-root"], ["shred", "default"], ["rebind", "default"]):
        stranger = run(*words, user="alice")
        assert (stranger.code, stranger.lines) == (1, [])
        assert 'User "alice" cannot' in stranger.error
    config = ("--kubeconfig", cluster.kubeconfig_for("admin"), "--operator-namespace", "default")
    elsewhere = sshcred(tmp_path, "keyring", "status", *config)
    assert elsewhere.code == 1
    assert "no operator has told of its key ring in namespace default" in elsewhere.error
    assert ring.kek_documents() == documents


def test_a_key_of_a_namespace_that_is_gone_opens_in_its_successor_only_when_bound(
    ring: RingDesk, run: Run, cluster: Cluster
) -> None:
    namespace, old = ring.desk.namespace, ring.key_id()
    ring.prepared.operator.stop()
    make_anew(cluster, namespace)
    ring.prepared.start()
    wait_until(lambda: {why(ring, name) for name in NAMES} == {"KeyUnavailable"}, "nothing opens there")
    bound = run("rebind", namespace)

    assert bound.code == 0, bound.error
    assert f"{old} opens values in {namespace} now" in bound.lines
    wait_until(lambda: all(kids(ring, name) != {old} for name in NAMES), "all is under a new key", 60)
    ring.desk.wait_for_ready(NAMES)
    dropped = run("drop", old)
    assert dropped.code == 0, dropped.error
    assert [one["kid"] for one in ring.kek_documents()] == [kids(ring, NAMES[0]).pop()]


def make_anew(cluster: Cluster, namespace: str) -> None:
    """Replace a namespace by another of its name; what was in it is there again, as after a restore."""
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection:
        core: Any = client.CoreV1Api(connection)
        before = core.read_namespace(namespace)
        core.delete_namespace(namespace)
        ending: Any = {"metadata": {"name": namespace}, "spec": {"finalizers": []}}
        core.replace_namespace_finalize(namespace, ending)
        metadata = client.V1ObjectMeta(name=namespace, labels=before.metadata.labels)
        made = core.create_namespace(client.V1Namespace(metadata=metadata))
        assert made.metadata.uid != before.metadata.uid
