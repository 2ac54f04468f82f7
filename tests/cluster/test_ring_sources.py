"""Where the root key lies: in a Secret, a file or a KMS; and the way from one to another while the operator runs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.kms_plugin import KmsProcess
from operators.process import OperatorProcess
from sshcredential_operator.encryption.root_key import (
    ROOT_SECRET_NAME,
    RootKeys,
    new_root_keys,
    root_keys_from_bytes,
    root_keys_to_bytes,
)

AWAY = "does not answer, or says that it is not healthy"


@pytest.fixture
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[RingDesk]:
    with ring_desk(cluster, namespaces, tmp_path) as desk:
        yield desk


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[KmsProcess]:
    with KmsProcess(tmp_path / "kms") as process:
        yield process


def by_kms(kms: KmsProcess) -> tuple[str, str]:
    return "--root-source", f"kms:{kms.socket}"


def make(ring: RingDesk, name: str) -> None:
    ring.desk.create(name, generated())
    ring.desk.wait_for_ready([name])


def roots(ring: RingDesk) -> set[tuple[str, str]]:
    return {(document["rootSource"], document["rootKeyId"]) for document in ring.kek_documents()}


def replace(file: Path, keys: RootKeys | bytes) -> None:
    fresh = file.with_name(secrets.token_hex(4))
    fresh.write_bytes(keys if isinstance(keys, bytes) else root_keys_to_bytes(keys))
    fresh.replace(file)


def test_with_a_kms_there_is_no_root_key_in_the_cluster_and_a_rotation_in_the_kms_is_followed(
    ring: RingDesk, kms: KmsProcess
) -> None:
    ring.prepared.start(*by_kms(kms))
    make(ring, "first")
    assert ring.own.secret(ROOT_SECRET_NAME) is None
    assert roots(ring) == {("KMS", "key-1")}

    kms.tell(key="key-2")
    wait_until(lambda: roots(ring) == {("KMS", "key-2")}, "everything is under the second key")
    kms.tell(lost=["key-1"])
    ring.prepared.operator.stop()
    ring.prepared.start(*by_kms(kms))
    make(ring, "second")
    ring.desk.wait_for_ready(["first"])


def test_while_a_kms_is_gone_known_workspaces_are_served_and_new_keys_wait(ring: RingDesk, kms: KmsProcess) -> None:
    operator = ring.prepared.start(*by_kms(kms))
    make(ring, "first")
    kms.kill()
    make(ring, "second")  # the workspace's key is in memory
    wait_until(lambda: AWAY in operator.get("/readyz")[1], "/readyz tells of it")
    assert operator.get("/readyz")[0] == 200
    assert operator.metric("sshcredential_operator_root_key_problem") == 1
    assert any(AWAY in str(entry["message"]) for entry in operator.entries())
    kms.start()
    wait_until(lambda: AWAY not in operator.get("/readyz")[1], "it is there again")
    assert operator.metric("sshcredential_operator_root_key_problem") == 0


def test_a_new_workspace_waits_with_a_reason_while_the_kms_is_slow(ring: RingDesk, kms: KmsProcess) -> None:
    ring.prepared.start(*by_kms(kms))
    kms.tell(delayMilliseconds=8000)
    ring.desk.create("waiting", generated())
    ring.desk.until("waiting", "KeyRingUnavailable")
    assert ring.desk.secret("waiting-sshcredential") is None
    assert ring.own.secret(ROOT_SECRET_NAME) is None
    kms.tell(delayMilliseconds=0)
    ring.desk.wait_for_ready(["waiting"])


def test_without_its_kms_an_operator_does_not_start_and_makes_no_weaker_root(ring: RingDesk, kms: KmsProcess) -> None:
    ring.prepared.start(*by_kms(kms))
    make(ring, "first")
    ring.prepared.operator.stop()
    kms.kill()
    ring.prepared.start(*by_kms(kms), ready=False)
    ring.prepared.until_not_ready(AWAY)
    ring.prepared.operator.stop()
    ring.prepared.start(ready=False)
    ring.prepared.until_not_ready(f"The root key (Secret {ROOT_SECRET_NAME}) is gone")
    assert ring.own.secret(ROOT_SECRET_NAME) is None


def test_the_root_moves_from_the_secret_to_a_kms_and_on_to_a_file(
    ring: RingDesk, kms: KmsProcess, tmp_path: Path
) -> None:
    file = tmp_path / "root.json"
    replace(file, new_root_keys())
    ring.prepared.start()
    make(ring, "first")
    for number, (arguments, source) in enumerate(
        [
            ((*by_kms(kms), "--root-source", "secret"), "KMS"),
            (by_kms(kms), "KMS"),
            (("--root-source", f"file:{file}", *by_kms(kms)), "File"),
            (("--root-source", f"file:{file}"), "File"),
        ]
    ):
        ring.prepared.operator.stop()
        ring.prepared.start(*arguments)
        state = ring.until_state(
            "all is under the new root", lambda s, kind=source: {one["source"] for one in s["wrappedBy"]} == {kind}
        )
        assert (state["left"], state["root"]["source"]) == ([], source)
        assert {kind for kind, _ in roots(ring)} == {source}
        make(ring, f"made-{number}")
    ring.desk.wait_for_ready(["first"])


def until_said(operator: OperatorProcess, sentence: str) -> None:
    wait_until(lambda: sentence in operator.get("/readyz")[1], sentence)


def test_a_file_is_read_again_when_it_changes_and_a_bad_one_changes_nothing(ring: RingDesk, tmp_path: Path) -> None:
    file = tmp_path / "root.json"
    first, second = new_root_keys(), new_root_keys()
    replace(file, first)
    source = ("--root-source", f"file:{file}")
    operator = ring.prepared.start(*source)
    make(ring, "first")
    for bad, sentence in [
        (root_keys_to_bytes(first)[:-1], "does not hold a root key"),
        (root_keys_to_bytes(first) * 2, "does not hold a root key"),
        (root_keys_to_bytes(second), "is not the one that the workspaces' keys were wrapped with"),
    ]:
        replace(file, bad)
        until_said(operator, sentence)
        make(ring, f"while-{secrets.token_hex(3)}")
        assert roots(ring) == {("File", first.writing.kid)}
    replace(file, RootKeys((*second.keys, *first.keys)))
    wait_until(lambda: roots(ring) == {("File", second.writing.kid)}, "all is under the second key")
    replace(file, second)
    ring.prepared.operator.stop()
    ring.prepared.start(*source)
    make(ring, "last")
    stored = root_keys_from_bytes(file.read_bytes())
    assert stored == second
