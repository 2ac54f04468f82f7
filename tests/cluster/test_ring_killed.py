"""A workspace's key is replaced by an operator that is killed at random moments: nothing is lost, or done twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.history import CREDENTIALS, SECRETS, History
from cluster.opened import root_of
from cluster.ordeal import at_once
from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import data_of, generated, reason_of, secret_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.credential_secret import OpenedCredential, open_credential, peek_kids
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KekDocument, unwrap_kek
from sshcredential_operator.keys.stored import stored_public_key

UNCHANGED = ("protected", "iv", "ciphertext", "tag", "aad")


@pytest.fixture
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[RingDesk]:
    with ring_desk(cluster, namespaces, tmp_path) as desk:
        yield desk


def keks(ring: RingDesk) -> dict[str, Kek]:
    root = root_of(ring.own)
    documents = [
        KekDocument.from_bytes(json.dumps(one, separators=(",", ":")).encode()) for one in ring.kek_documents()
    ]
    return {kek.kid: kek for document in documents if document and (kek := unwrap_kek(document, root))}


def parts(data: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    values = {name: json.loads(value) for name, value in data.items()}
    return {name: {part: value[part] for part in UNCHANGED} for name, value in values.items()}


def until(moment: float) -> None:
    wait_until(lambda: time.monotonic() > moment, "a random moment has come", 60)


@pytest.mark.parametrize(
    ("count", "kills", "rate"),
    [
        pytest.param(24, 3, 8, id="24 credentials, 3 kills"),
        pytest.param(2000, 20, 50, id="2,000 credentials, 20 kills", marks=pytest.mark.campaign),
    ],
)
def test_a_rotation_survives_kills_with_one_write_of_each_secret_and_each_status(
    ring: RingDesk, cluster: Cluster, seed: int, count: int, kills: int, rate: int
) -> None:
    names, chance, desk = [f"held-{number}" for number in range(count)], random.Random(seed), ring.desk
    options = ("--rewrap-rate", str(rate))
    ring.prepared.start(*options)
    at_once(lambda name: desk.create(name, generated()), names)  # kubectl asks for one after the other
    wait_until(lambda: [reason_of(one) for one in desk.all()] == ["Available"] * count, "all are Ready", 120)
    old = ring.key_id()
    before = {name: parts(data_of(desk.stored(name))) for name in names}
    statuses = {found["metadata"]["name"]: found["status"] for found in desk.all()}

    with History(cluster, {desk.namespace}) as history:
        begun = time.monotonic()
        ring.ask_for_workspace("rotate", old)
        for _ in range(kills):
            until(time.monotonic() + chance.uniform(0.0, count / rate / kills * 1.2))
            ring.prepared.operator.kill()
            ring.prepared.start(*options)
        ring.until_through(120 + count / rate)
        took = time.monotonic() - begun
        new = ring.key_id()
        history.wait_until(
            lambda: len({one.name for one in history.seen(CREDENTIALS)}) >= count, "all statuses were written"
        )
        known, secrets, told = keks(ring), history.seen(SECRETS), history.seen(CREDENTIALS)

    assert known.keys() == {old, new}
    writes = Counter(one.name for one in secrets)
    assert writes == {secret_of(name): 1 for name in names}
    assert Counter(one.name for one in told) == dict.fromkeys(names, 1)
    for revision in secrets:
        name, data = revision.name.removesuffix("-sshcredential"), data_of(revision.object)
        opened = open_credential(data, desk.namespace, name, known.get, stored_public_key)
        assert isinstance(opened, OpenedCredential), revision
        assert peek_kids(data) == {new}
        assert parts(data) == before[name]
    for found in desk.all():
        status = statuses[found["metadata"]["name"]]
        assert found["status"] == status | {"encryption": {"keyId": new}}
    print(f"{count} credentials with {kills} kills took {took:.1f} s, {1000 * took / count:.1f} s for 1,000")
