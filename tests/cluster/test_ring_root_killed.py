"""The root key is replaced by an operator that is killed at random moments: every key opens at every revision."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from cluster.desk import Desk
from cluster.history import SECRETS, History, Revision
from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import data_of, generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.kek import (
    FIRST_SLOT,
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    KekDocument,
    kek_secret_name,
    unwrap_kek,
)
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    root_keys_from_bytes,
)
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    SealingKeyDocument,
    unwrap_sealing_key,
)

NAME = "held"


def of_type(kind: str, revisions: list[Revision]) -> list[Revision]:
    return [one for one in revisions if one.object["type"] == kind]


def moved_in(revisions: list[Revision]) -> list[Revision]:
    return [*of_type(KEK_SECRET_TYPE, revisions), *of_type(SEALING_KEY_SECRET_TYPE, revisions)]


def versions(desk: Desk) -> tuple[str, str]:
    """Return the revisions of the credential and of its Secret."""
    return desk.get(NAME)["metadata"]["resourceVersion"], desk.stored(NAME)["metadata"]["resourceVersion"]


def value(revision: Revision, key: str) -> bytes:
    return data_of(revision.object)[key]


def stored(ring: RingDesk, name: str, key: str) -> bytes:
    secret = ring.own.secret(name)
    assert secret is not None
    return data_of(secret)[key]


def roots_of(ring: RingDesk) -> RootKeys:
    roots = root_keys_from_bytes(stored(ring, ROOT_SECRET_NAME, ROOT_DATA_KEY))
    assert roots is not None
    return roots


def key_in(revision: Revision, roots: RootKeys) -> tuple[str, bytes]:
    """Return the root key that a revision is under, and the key that is in it."""
    if revision.object["type"] == KEK_SECRET_TYPE:
        kek = KekDocument.from_bytes(value(revision, KEK_DATA_KEY))
        assert kek is not None, revision
        root = roots.find(kek.wrapped.root_key_id)
        opened = root and unwrap_kek(kek, root)
        assert opened, revision
        return kek.wrapped.root_key_id, opened.key.reveal()
    sealing = SealingKeyDocument.from_bytes(value(revision, SEALING_KEY_DATA_KEY))
    assert sealing is not None, revision
    root = roots.find(sealing.wrapped.root_key_id)
    key = root and unwrap_sealing_key(sealing, root)
    assert key, revision
    return sealing.wrapped.root_key_id, key.reveal()


@pytest.mark.parametrize(
    ("workspaces", "kills"),
    [
        pytest.param(3, 2, id="3 workspaces, 2 kills"),
        pytest.param(50, 10, id="50 workspaces, 10 kills", marks=pytest.mark.campaign),
    ],
)
def test_a_new_root_key_costs_one_write_for_each_workspace_and_none_for_a_credential(
    cluster: Cluster, namespaces: Namespaces, tmp_path: Path, seed: int, workspaces: int, kills: int
) -> None:
    chance = random.Random(seed)
    with ring_desk(cluster, namespaces, tmp_path, workspaces=workspaces) as ring:
        ring.prepared.start()
        for desk in ring.desks:
            desk.create(NAME, generated())
        for desk in ring.desks:
            desk.wait_for_ready([NAME])
        old = ring.until_state("all is told", lambda s: len(s["workspaces"]) == workspaces)["root"]["keyId"]
        before = roots_of(ring)
        held = {desk.namespace_uid(): ring_key(ring, desk.namespace_uid(), before) for desk in ring.desks}

        written = [versions(desk) for desk in ring.desks]

        with History(cluster, {ring.own.namespace}) as history:
            begun = time.monotonic()
            ring.ask(rotate_root=old)
            for _ in range(kills):
                until(time.monotonic() + chance.uniform(0.0, (workspaces + 1) / 20 / kills * 2))
                ring.prepared.operator.kill()
                ring.prepared.start()
            state = ring.until_state("all is under the new root key", lambda s: is_under_another(s, old), 120)
            took = time.monotonic() - begun
            history.wait_until(lambda: len(moved_in(history.seen(SECRETS))) > workspaces, "all are moved")
            secrets = history.seen(SECRETS)

        roots, moved = roots_of(ring), moved_in(secrets)
        assert state["wrappedBy"] == [{"source": "Secret", "keyId": roots.writing.kid, "count": workspaces + 1}]
        assert len(of_type(ROOT_SECRET_TYPE, secrets)) == 1
        assert Counter(Counter(one.name for one in moved).values()) == {1: workspaces + 1}
        assert {key_in(one, roots)[0] for one in moved} == {roots.writing.kid}
        assert {uid: ring_key(ring, uid, roots) for uid in held} == held
        assert [versions(desk) for desk in ring.desks] == written
    print(f"{workspaces} workspaces with {kills} kills took {took:.1f} s")


def ring_key(ring: RingDesk, uid: str, roots: RootKeys) -> bytes:
    """Return the key of a workspace as it lies there now."""
    document = KekDocument.from_bytes(stored(ring, kek_secret_name(uid, FIRST_SLOT), KEK_DATA_KEY))
    root = document and roots.find(document.wrapped.root_key_id)
    opened = document and root and unwrap_kek(document, root)
    assert opened
    return opened.key.reveal()


def is_under_another(state: dict[str, object], old: str) -> bool:
    users = state["wrappedBy"]
    return bool(users) and isinstance(users, list) and all(one["keyId"] != old for one in users)


def until(moment: float) -> None:
    wait_until(lambda: time.monotonic() > moment, "a random moment has come", 60)
