"""`sshcred keyring backup` and `restore` on a real API server: what is there is left, and what is said is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.ring_place import Place
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME


@pytest.fixture
def place(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Place:
    return Place(cluster, namespaces, tmp_path)


async def test_what_is_missing_is_made_and_what_is_there_is_left(place: Place) -> None:
    await place.fill()
    before = place.secrets()
    code, said = place.backup()
    assert (code, "keys of 2 workspaces (2), 0 sealing keys" in said) == (0, True), said
    root = place.core.read_namespaced_secret(ROOT_SECRET_NAME, place.namespace)
    assert "sshcredentials.dev/backed-up-at" in root.metadata.annotations
    assert (place.folder / "backup").stat().st_mode & 0o777 == 0o600

    # Broken off in the middle: some are there, and it goes on.
    for name in [name for name in before if "-kek-" in name] + [ROOT_SECRET_NAME]:
        place.delete(name)
    code, said = place.restore()
    assert (code, said.endswith("3 made, 1 there already\n")) == (0, True), said
    assert place.secrets() == before
    assert place.restore()[1].endswith("0 made, 4 there already\n")


async def test_a_backup_is_never_overwritten_without_force(place: Place) -> None:
    await place.fill()
    (place.folder / "backup").write_text("the only one")
    code, said = place.backup()
    assert (code, "is there already, and may be the only backup" in said) == (1, True)
    assert (place.folder / "backup").read_text() == "the only one"
    assert place.backup("--force")[0] == 0
    assert {file.name for file in place.folder.iterdir()} >= {"backup", "words"}
    assert not [file for file in place.folder.iterdir() if file.name.startswith(".backup")]


async def test_another_key_in_a_place_is_left_alone(place: Place) -> None:
    await place.fill()
    place.backup()
    before = place.secrets()
    kek = next(name for name in before if "-kek-" in name)
    place.delete(kek)
    body = {"metadata": {"name": kek}, "type": KEK_SECRET_TYPE, "stringData": {"kek": "another"}}
    place.core.create_namespaced_secret(place.namespace, body)
    code, said = place.restore()
    assert (code, f"{kek}: there already, and another one: left alone" in said) == (1, True), said
    assert place.secrets()[kek] != before[kek]


async def test_what_does_not_open_is_named_and_no_backup_is_noted(place: Place) -> None:
    await place.fill()
    kek = next(name for name in place.secrets() if "-kek-" in name)
    place.core.patch_namespaced_secret(kek, place.namespace, {"stringData": {"kek": "damaged"}})
    code, said = place.backup()
    assert (code, f"does not open, and is in the file only as it is stored: {kek}" in said) == (1, True), said
    root = place.core.read_namespaced_secret(ROOT_SECRET_NAME, place.namespace)
    assert not root.metadata.annotations


def test_a_namespace_without_a_key_ring_is_told(place: Place) -> None:
    code, said = place.backup()
    assert (code, "no root key in namespace" in said, "--root-source" in said) == (1, True, True), said
    assert not (place.folder / "backup").exists()
