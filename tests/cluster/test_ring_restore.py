"""`sshcred keyring backup` and `restore` on a real API server: what is there is left, and what is said is so."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_backup import manifest_of
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from unit.cli.command import SSHCRED
from unit.encryption.ring_memory import Cluster as Memory
from unit.encryption.ring_memory import Store

WORKSPACES = {"team-a": "00000001-0000-4000-8000-000000000000", "team-b": "00000002-0000-4000-8000-000000000000"}


class Place:
    """The operator's namespace, and somebody with all rights in it."""

    def __init__(self, cluster: Cluster, namespaces: Namespaces, folder: Path) -> None:
        self._kubeconfig, self.folder = cluster.kubeconfig_for("admin"), folder
        self.core: Any = client.CoreV1Api(config.new_client_from_config(str(self._kubeconfig)))
        self.namespace = namespaces.create()
        (folder / "words").write_text("correct horse battery staple\n")

    async def fill(self) -> None:
        """Put a key ring there, as an operator makes it."""
        memory = Memory()
        ring = Keyring(Store(memory))
        await ring.open()
        for name, uid in WORKSPACES.items():
            assert await ring.kek_for_writing(name, uid)
        for secret in memory.secrets.values():
            self.core.create_namespaced_secret(self.namespace, manifest_of(secret, self.namespace))

    def secrets(self) -> dict[str, Any]:
        found = self.core.list_namespaced_secret(self.namespace).items
        return {one.metadata.name: one.data for one in found}

    def say(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*SSHCRED, "keyring", *arguments, "--kubeconfig", self._kubeconfig, "--operator-namespace", self.namespace],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def backup(self, *more: str) -> tuple[int, str]:
        return self.say("backup", "--out", "backup", "--passphrase-file", "words", *more)

    def restore(self) -> tuple[int, str]:
        return self.say("restore", "backup", "--passphrase-file", "words")


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
        place.core.delete_namespaced_secret(name, place.namespace)
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


async def test_another_root_key_and_another_key_in_a_place_are_left_alone(place: Place) -> None:
    await place.fill()
    place.backup()
    before = place.secrets()
    kek = next(name for name in before if "-kek-" in name)
    place.core.delete_namespaced_secret(kek, place.namespace)
    body = {"metadata": {"name": kek}, "type": KEK_SECRET_TYPE, "stringData": {"kek": "another"}}
    place.core.create_namespaced_secret(place.namespace, body)
    code, said = place.restore()
    assert (code, f"{kek}: there already, and another one: left alone" in said) == (1, True), said
    assert place.secrets()[kek] != before[kek]

    for name in before:
        place.core.delete_namespaced_secret(name, place.namespace)
    await place.fill()
    there = place.secrets()
    code, said = place.restore()
    assert (code, "another root key is in namespace" in said) == (1, True), said
    assert place.secrets() == there


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
