"""Attacks on the root key's Secret: cut, doubled, emptied, of another size. Told at once, never written, put back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from cluster.ring_desk import RingDesk, ring_desk
from cluster.shown import data_of, generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_NAME

MALFORMED: Final = "Secret sshcredential-root-key does not hold a root key (cut, changed, or of another type)."
WRONG: Final = (
    "The root key in Secret sshcredential-root-key is not the one that the workspaces' keys were wrapped with."
)


def _keys(value: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(value)["keys"]
    return found


def _of(keys: list[dict[str, Any]]) -> bytes:
    return json.dumps({"keys": keys}, separators=(",", ":")).encode()


EXCHANGED: Final = "another key under the same name"
SPOILT: Final[dict[str, Callable[[bytes], bytes]]] = {
    "cut": lambda value: value[: len(value) // 2],
    "doubled": lambda value: _of(_keys(value) * 2),
    "doubled as a file": lambda value: value * 2,
    "emptied": lambda _: b"",
    "without a key": lambda _: _of([]),
    "a key of 16 bytes": lambda value: _of([_keys(value)[0] | {"k": _keys(value)[0]["k"][:22]}]),
    EXCHANGED: lambda value: _of([_keys(value)[0] | {"k": "A" * 43}]),
}


@pytest.fixture(scope="module")
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RingDesk]:
    """An operator with a credential; each test stops it and starts it again."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    with ring_desk(cluster, namespaces, folder) as ring:
        ring.prepared.start()
        ring.desk.create("patient", generated())
        ring.desk.wait_for_ready(["patient"])
        yield ring


@pytest.mark.parametrize("how", SPOILT)
def test_a_root_key_is_told_left_as_it_is_and_works_again_when_it_is_put_back(ring: RingDesk, how: str) -> None:
    patient = ring.desk.get("patient")
    root = ring.own.secret(ROOT_SECRET_NAME)
    assert root is not None
    good = data_of(root)[ROOT_DATA_KEY]
    keks = ring.kek_documents()
    ring.prepared.operator.stop()
    spoilt = ring.own.change_secret(ROOT_SECRET_NAME, data={ROOT_DATA_KEY: SPOILT[how](good)})

    ring.prepared.start(ready=False)
    ring.prepared.until_not_ready(WRONG if how == EXCHANGED else MALFORMED)

    assert ring.own.secret(ROOT_SECRET_NAME) == spoilt
    assert ring.kek_documents() == keks
    ring.own.change_secret(ROOT_SECRET_NAME, data={ROOT_DATA_KEY: good})
    ring.prepared.operator.wait_until_ready()
    assert ring.desk.get("patient") == patient
