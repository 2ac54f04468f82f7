"""The operator's namespace without an operator: a key ring as one makes it, and who has all rights."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config

from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from sshcredential_operator.api.names import DELETE_WHILE_IN_USE_ANNOTATION
from sshcredential_operator.controller.root_sources import NamedSource, places_of
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_backup import manifest_of, stored_secret_of
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

    async def fill(self, workspaces: Mapping[str, str] = WORKSPACES, source: NamedSource | None = None) -> None:
        """Put a key ring there, as an operator makes it."""
        memory = Memory()
        store = Store(memory)
        ring = Keyring(store, places_of((source,), store) if source else ())
        await ring.open()
        for name, uid in workspaces.items():
            assert await ring.kek_for_writing(name, uid)
        for secret in memory.secrets.values():
            self.core.create_namespaced_secret(self.namespace, manifest_of(secret, self.namespace))

    async def opened(self, source: NamedSource | None = None) -> dict[str, bytes]:
        """Return the workspaces' keys that an operator with this root finds there, by their names."""
        memory = Memory()
        for raw in self.core.list_namespaced_secret(self.namespace, _preload_content=False).json()["items"]:
            secret = stored_secret_of(raw)
            assert secret
            memory.put(secret.name, secret.type, secret.data)
        store = Store(memory)
        ring = Keyring(store, places_of((source,), store) if source else ())
        await ring.open()
        return {stored.kek.kid: stored.kek.key.reveal() for stored in ring.documents}

    def delete(self, *names: str) -> None:
        """Delete Secrets, as somebody does who means it."""
        meant = {"metadata": {"annotations": {DELETE_WHILE_IN_USE_ANNOTATION: "true"}}}
        for name in names:
            self.core.patch_namespaced_secret(name, self.namespace, meant)
            self.core.delete_namespaced_secret(name, self.namespace)

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

    def restore(self, *more: str, words: str = "words") -> tuple[int, str]:
        return self.say("restore", "backup", "--passphrase-file", words, *more)
