"""`controller/ring_verify.py`: what opens is counted, what does not is named, and nothing is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sshcredential_operator.controller.ring_verify import verified
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE
from unit.encryption.whole_ring import Whole, spoilt, whole_ring


def spoil(whole: Whole, type_: str) -> str:
    secret = whole.secrets(type_)[0]
    whole.cluster.put(secret.name, secret.type, spoilt(secret).data)
    return secret.name


async def test_a_sound_ring_opens_whole_and_nothing_is_written() -> None:
    whole = await whole_ring()
    whole.cluster.requests.clear()
    found = await verified(whole.ring, whole.store, "asked")

    assert {verb for verb, _ in whole.cluster.requests} == {"get", "list"}
    assert found.pop("at").endswith("Z")
    assert found == {
        "request": "asked",
        "problem": "",
        "canary": "sings",
        "keks": 2,
        "unopened": [],
        "sealingKeys": 1,
        "sealingUnopened": [],
    }
    json.dumps(found)


@pytest.mark.parametrize(
    ("type_", "keks", "sealing"),
    [(KEK_SECRET_TYPE, 1, 1), (SEALING_KEY_SECRET_TYPE, 2, 0)],
    ids=["a KEK", "a sealing key"],
)
@pytest.mark.parametrize("cut", [False, True], ids=["changed", "cut"])
async def test_what_does_not_open_is_named_and_not_counted(type_: str, keks: int, sealing: int, cut: bool) -> None:
    whole = await whole_ring()
    name = spoil(whole, type_)
    if cut:
        whole.cluster.put(name, type_, {})
    found = await verified(whole.ring, whole.store, "asked")
    assert (found["keks"], found["sealingKeys"], found["problem"]) == (keks, sealing, "")
    assert [*found["unopened"], *found["sealingUnopened"]] == [name]


async def test_a_canary_that_is_silent_is_a_problem_in_a_sentence() -> None:
    whole = await whole_ring()
    spoil(whole, CANARY_SECRET_TYPE)
    found = await verified(whole.ring, whole.store, "asked")
    assert found["canary"] == "silent"
    assert "is not the one that the workspaces' keys were wrapped with" in found["problem"]
    assert found["keks"] == 2


async def test_it_looks_with_the_root_of_now_and_not_with_that_in_memory(tmp_path: Path) -> None:
    whole = await whole_ring()
    root = whole.cluster.secrets[ROOT_SECRET_NAME]
    whole.cluster.put(root.name, root.type, {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())})
    found = await verified(whole.ring, whole.store, "asked")
    assert (found["keks"], len(found["unopened"]), found["sealingKeys"]) == (0, 2, 0)
    assert "Restore the right one" in found["problem"]

    del whole.cluster.secrets[ROOT_SECRET_NAME]
    gone = await verified(whole.ring, whole.store, "asked")
    assert "is gone" in gone["problem"]
    assert gone["keks"] == 0

    whole.ring.places = (RootInFile(tmp_path),)
    assert "cannot be read now" in (await verified(whole.ring, whole.store, "asked"))["problem"]


async def test_a_secret_of_another_name_is_no_key() -> None:
    whole = await whole_ring()
    secret = whole.secrets(KEK_SECRET_TYPE)[0]
    whole.cluster.secrets["copy"] = replace(secret, name="copy")
    assert (await verified(whole.ring, whole.store, "asked"))["unopened"] == ["copy"]
