"""What a person does at the key ring's ConfigMap, and what an administrator finds in the operator's namespace."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, config

from cluster.desk import Desk
from cluster.installation import Installation, installation_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE

NOT_FOUND = 404


class RingDesk:
    """An operator that is not started yet, its workspaces, and its namespace. `desk` is the first workspace's."""

    def __init__(self, prepared: Installation, desks: Sequence[Desk], own: Desk, core: Any) -> None:
        self.prepared, self.desks, self.own, self._core = prepared, tuple(desks), own, core
        self.desk = desks[0]

    def sheet(self) -> dict[str, str]:
        """Return the ConfigMap's data; empty where there is none."""
        try:
            found = self._core.read_namespaced_config_map(KEY_RING_CONFIG_MAP, self.own.namespace)
        except client.ApiException as refused:
            if refused.status != NOT_FOUND:
                raise
            return {}
        return dict(found.data or {})

    def state(self) -> dict[str, Any]:
        """Return what the operator says of itself."""
        return dict(json.loads(self.sheet().get("state.json", "{}")))

    def until_state(self, sentence: str, holds: Any, seconds: float = 30) -> dict[str, Any]:
        """Return the state when something holds of it."""

        def held() -> dict[str, Any]:
            state = self.state()
            return state if state and holds(state) else {}

        return wait_until(held, sentence, seconds)

    def ask(self, **requests: str) -> None:
        """Write requests; `rotate_root` stands for `rotate-root`."""
        data = {name.replace("_", "-"): value for name, value in requests.items()}
        self._core.patch_namespaced_config_map(KEY_RING_CONFIG_MAP, self.own.namespace, {"data": data})

    def ask_for_workspace(self, verb: str, kid: str) -> None:
        """Write a request about the key of the workspace."""
        data = {f"{verb}.{self.desk.namespace}": kid}
        self._core.patch_namespaced_config_map(KEY_RING_CONFIG_MAP, self.own.namespace, {"data": data})

    def until_answered(self, seconds: float = 30) -> dict[str, Any]:
        """Return the state when no request is left."""
        wait_until(lambda: self.sheet().keys() == {"state.json"}, "all requests are answered", seconds)
        return self.state()

    def key_id(self) -> str:
        """Return the newest key of the workspace."""
        namespace = self.desk.namespace
        state = self.until_state("the workspace has a key", lambda state: namespace in state["workspaces"])
        return str(state["workspaces"][namespace]["keyId"])

    def until_through(self, seconds: float = 60) -> dict[str, Any]:
        """Return the state when all Secrets of the workspace are under its newest key."""
        namespace = self.desk.namespace
        return self.until_state(
            "the workspace is through",
            lambda s: s["workspaces"][namespace]["olderKeyIds"] and not s["workspaces"][namespace]["pending"],
            seconds,
        )

    def kek_documents(self) -> list[dict[str, Any]]:
        """Return the documents of all workspaces' keys."""

        selector = f"type={KEK_SECRET_TYPE}"
        found = self._core.list_namespaced_secret(self.own.namespace, field_selector=selector)
        return [json.loads(base64.b64decode(secret.data[KEK_DATA_KEY])) for secret in found.items]


@contextmanager
def ring_desk(cluster: Cluster, namespaces: Namespaces, folder: Path, *, workspaces: int = 1) -> Iterator[RingDesk]:
    """Prepare one."""
    with ExitStack() as until_the_end:
        prepared, desks, own = until_the_end.enter_context(
            installation_of(cluster, namespaces, folder, workspaces=workspaces)
        )
        admin = str(cluster.kubeconfig_for("admin"))
        connection = until_the_end.enter_context(config.new_client_from_config(admin))
        yield RingDesk(prepared, desks, own, client.CoreV1Api(connection))
