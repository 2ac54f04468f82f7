"""Attacks on the root key's Secret: cut, doubled, emptied, exchanged. Told, never written, good again when put back.

Each costs a start of the operator; whatever else is no root key is in tests/unit/encryption/test_root_key.py.
"""

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
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_NAME

PATIENCE: Final = 120
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
    "emptied": lambda _: b"",
    EXCHANGED: lambda value: _of([_keys(value)[0] | {"k": "A" * 43}]),
}


@pytest.fixture(scope="module")
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RingDesk]:
    """An operator with a credential; each test stops it and starts it again."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    with ring_desk(cluster, namespaces, folder) as ring:
        ring.prepared.start(ready=False).wait_until_ready(PATIENCE)
        ring.desk.create("patient", generated())
        ring.desk.wait_for_ready(["patient"])
        yield ring


@pytest.fixture(scope="module")
def good_root(ring: RingDesk) -> bytes:
    """The root key as the operator has made it."""
    root = ring.own.secret(ROOT_SECRET_NAME)
    assert root is not None
    return data_of(root)[ROOT_DATA_KEY]


@pytest.mark.parametrize("how", SPOILT)
def test_a_root_key_is_told_left_as_it_is_and_works_again_when_it_is_put_back(
    ring: RingDesk, good_root: bytes, how: str
) -> None:
    patient = ring.desk.get("patient")
    keks = ring.kek_documents()
    ring.prepared.operator.stop()
    spoilt = ring.own.change_secret(ROOT_SECRET_NAME, data={ROOT_DATA_KEY: SPOILT[how](good_root)})

    operator = ring.prepared.start(ready=False)
    wait_until(lambda: operator.address, "it has started", PATIENCE)
    ring.prepared.until_not_ready(WRONG if how == EXCHANGED else MALFORMED)

    assert ring.own.secret(ROOT_SECRET_NAME) == spoilt
    assert ring.kek_documents() == keks
    ring.own.change_secret(ROOT_SECRET_NAME, data={ROOT_DATA_KEY: good_root})
    operator.wait_until_ready(PATIENCE)
    assert ring.desk.get("patient") == patient
