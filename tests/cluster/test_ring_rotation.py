"""The keys of the key ring are replaced while the operator runs, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import data_of, generated, secret_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

NAMES = [f"held-{number}" for number in range(12)]
UNCHANGED = ("protected", "iv", "ciphertext", "tag", "aad")


@pytest.fixture
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[RingDesk]:
    with ring_desk(cluster, namespaces, tmp_path) as desk:
        yield desk


def values(ring: RingDesk, name: str) -> dict[str, dict[str, Any]]:
    return {key: json.loads(value) for key, value in data_of(ring.desk.stored(name)).items()}


def kids(ring: RingDesk, name: str) -> set[str]:
    return {value["header"]["kid"] for value in values(ring, name).values()}


def made(ring: RingDesk) -> None:
    ring.desk.apply({name: generated() for name in NAMES})
    ring.desk.wait_for_ready(NAMES)


def test_a_workspaces_key_is_replaced_and_every_ciphertext_stays(ring: RingDesk) -> None:
    ring.prepared.start()
    made(ring)
    before = {name: values(ring, name) for name in NAMES}
    versions = {name: ring.desk.get(name)["status"]["fingerprint"] for name in NAMES}
    old = ring.key_id()

    ring.ask_for_workspace("rotate", old)
    state = ring.until_through()

    new = state["workspaces"][ring.desk.namespace]["keyId"]
    assert new != old
    for name in NAMES:
        after = values(ring, name)
        assert kids(ring, name) == {new}
        assert {key: {part: value[part] for part in UNCHANGED} for key, value in after.items()} == {
            key: {part: value[part] for part in UNCHANGED} for key, value in before[name].items()
        }
        found = ring.desk.get(name)["status"]
        assert (found["encryption"]["keyId"], found["fingerprint"]) == (new, versions[name])
        assert found["conditions"][0]["status"] == "True"
    assert ring.until_answered()["refused"] == {}

    ring.ask_for_workspace("drop", new)
    assert "is the one for writing" in ring.until_answered()["refused"][f"drop.{ring.desk.namespace}"]
    ring.ask_for_workspace("drop", old)
    state = ring.until_answered()
    assert state["workspaces"][ring.desk.namespace]["olderKeyIds"] == []
    assert [document["kid"] for document in ring.kek_documents()] == [new]
    ring.prepared.operator.stop()
    ring.prepared.start()
    ring.desk.create("made-later", generated())
    ring.desk.wait_for_ready(["made-later", *NAMES])


def test_a_key_in_use_is_not_dropped_and_the_answer_says_by_how_many(ring: RingDesk) -> None:
    ring.prepared.start("--rewrap-rate", "0.1")
    made(ring)
    old = ring.key_id()
    ring.ask_for_workspace("rotate", old)
    wait_until(lambda: ring.key_id() != old, "there is a newer key")
    ring.ask_for_workspace("drop", old)
    refused = ring.until_answered()["refused"][f"drop.{ring.desk.namespace}"]
    assert refused.startswith(f"The key {old} is in use by 1")
    assert {document["kid"] for document in ring.kek_documents()} == {old, ring.key_id()}


def test_values_get_new_data_keys_where_that_is_asked_for(ring: RingDesk) -> None:
    ring.prepared.start()
    made(ring)
    before = {name: values(ring, name) for name in NAMES}
    old = ring.key_id()
    ring.ask_for_workspace("rotate", f"{old} re-encrypt")
    ring.until_answered(60)
    for name in NAMES:
        assert kids(ring, name) == {ring.key_id()}
        for key, value in values(ring, name).items():
            assert value["ciphertext"] != before[name][key]["ciphertext"]
            assert value["aad"] == before[name][key]["aad"]
    ring.desk.wait_for_ready(NAMES)


def test_the_root_key_is_replaced_and_no_credential_is_written(ring: RingDesk) -> None:
    ring.prepared.start()
    made(ring)
    ring.key_id()
    before = {name: ring.desk.stored(name)["metadata"]["resourceVersion"] for name in NAMES}
    old = ring.state()["root"]["keyId"]

    ring.ask(drop_root=old)
    assert "in use by 2" in ring.until_answered()["refused"]["drop-root"]
    ring.ask(rotate_root=old)
    ring.until_answered()
    state = ring.until_state("all is under the new root", lambda s: [w["keyId"] for w in s["wrappedBy"]] != [old])
    new = state["root"]["keyId"]
    assert new != old
    assert state["wrappedBy"] == [{"source": "Secret", "keyId": new, "count": 2}]
    ring.ask(rotate_root=old)  # asked twice, it is done once
    assert ring.until_answered()["root"]["keyId"] == new
    ring.ask(drop_root=old)
    assert ring.until_answered()["refused"] == {}
    assert {name: ring.desk.stored(name)["metadata"]["resourceVersion"] for name in NAMES} == before

    ring.prepared.operator.stop()
    ring.prepared.start()
    ring.desk.create("made-later", generated())
    ring.desk.wait_for_ready(["made-later", *NAMES])


def test_an_old_secret_that_comes_back_opens_and_is_brought_under_the_newest_key(ring: RingDesk) -> None:
    ring.prepared.start()
    made(ring)
    name, old = NAMES[0], ring.key_id()
    backup = data_of(ring.desk.stored(name))
    ring.ask_for_workspace("rotate", old)
    new = ring.until_through()["workspaces"][ring.desk.namespace]["keyId"]
    ring.desk.change_secret(secret_of(name), data=backup)
    wait_until(lambda: kids(ring, name) == {new}, "it is under the newest key again")
    ring.desk.wait_for_ready([name])
