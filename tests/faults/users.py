"""What users do in a plan, past the proxy, and which versions are theirs. Used by `scene` and the operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client

from cluster.credentials import Credentials, Refused
from cluster.desk import Data, Desk
from cluster.etcd_history import CREDENTIALS, SECRETS
from cluster.shown import Object, data_of, secret_of
from controlplane.clusters import Cluster
from faults.chronicle import Heard
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP

JSON_PATCH: Final = "application/json-patch+json"
SHEET: Final = KEY_RING_CONFIG_MAP


class Users:
    """Everybody who is no operator, in one workspace and in the operator's namespace."""

    def __init__(self, cluster: Cluster, connection: client.ApiClient, namespace: str, own: str) -> None:
        self.desk, self.namespace, self.own = Desk(cluster, connection, namespace), namespace, own
        self.ring = Desk(cluster, connection, own)
        self._credentials = Credentials(connection, namespace)
        self._core: Any = client.CoreV1Api(connection)
        self._leases: Any = client.CoordinationV1Api(connection)
        self._wrote: set[int] = set()
        self._deleted: set[tuple[str, str]] = set()
        self.namespace_is_deleted = False
        self.needles: dict[str, bytes] = {}

    # --- credentials

    def create(self, name: str, spec: Object) -> Object | Refused:
        """Make a credential."""
        return self._note(self._credentials.create(spec, name))

    def edit(self, name: str, spec: Object) -> Object | Refused:
        """Change the spec of a credential by a merge patch."""
        before = self.desk.get(name)
        return self._note(self._credentials.patch({"spec": spec}, name), before)

    def replace_spec(self, name: str, spec: Object) -> Object | Refused:
        """Give a credential exactly this spec."""
        before, whole = self.desk.get(name), [{"op": "replace", "path": "/spec", "value": spec}]
        return self._note(self._credentials.patch(whole, name, kind=JSON_PATCH), before)

    def delete(self, name: str) -> None:
        """Delete a credential."""
        self._deleted.add((CREDENTIALS, str(self.desk.get(name)["metadata"]["uid"])))
        self.desk.delete(name)

    # --- Secrets

    def make_secret(self, name: str, data: Data, *, kind: str = "Opaque") -> Object:
        """Make a Secret."""
        return self._noted(self.desk.make_secret(name, data, kind=kind))

    def put_back(self, secret: Object) -> Object:
        """Make a Secret as it was in a backup."""
        return self.make_secret(secret["metadata"]["name"], data_of(secret), kind=secret["type"])

    def change_secret(self, name: str, data: Mapping[str, bytes | None]) -> Object:
        """Change the Secret of a credential."""
        return self._noted(self.desk.change_secret(secret_of(name), data=data))

    def delete_secret(self, name: str) -> None:
        """Delete the Secret of a credential."""
        self._deleted.add((SECRETS, str(self.desk.stored(name)["metadata"]["uid"])))
        self.desk.delete_secret(secret_of(name))

    # --- the rest

    def delete_namespace(self) -> None:
        """Delete the workspace with all that is in it."""
        self.namespace_is_deleted = True
        self._core.delete_namespace(self.namespace)

    def ask(self, **requests: str) -> None:
        """Ask something of the key ring; `rotate_root` stands for `rotate-root`."""
        data = {name.replace("_", "-"): value for name, value in requests.items()}
        self._core.patch_namespaced_config_map(SHEET, self.own, {"data": data})

    def sheet(self) -> dict[str, str]:
        """Return what the key ring's ConfigMap says; empty where there is none."""
        try:
            return dict(self._core.read_namespaced_config_map(SHEET, self.own).data or {})
        except client.ApiException:
            return {}

    def hold_lease(self, name: str, holder: str) -> None:
        """Write somebody into a Lease."""
        self._leases.patch_namespaced_lease(name, self.own, {"spec": {"holderIdentity": holder}})

    def events(self) -> list[Object]:
        """Return all events of both namespaces."""
        events: Any = client.EventsV1Api(self.desk._core.api_client)
        found: list[Object] = []
        for namespace in (self.namespace, self.own):
            answer = events.list_namespaced_event(namespace, _preload_content=False)
            found += json.loads(answer.data)["items"]
        return found

    # --- whose

    def theirs(self, heard: list[Heard]) -> frozenset[int]:
        """Return the versions that users wrote, deletions included."""
        uids: dict[tuple[str, str, str], str] = {}
        found = set(self._wrote)
        for one, _ in heard:
            place = (one.resource, one.namespace, one.name)
            if one.object is not None:
                uids[place] = one.object["metadata"]["uid"]
            elif (one.resource, uids.get(place, "")) in self._deleted or (
                self.namespace_is_deleted and one.namespace == self.namespace
            ):
                found.add(one.version)
        if self.namespace_is_deleted:  # it marks what it deletes
            found |= {one.version for one, _ in heard if _is_ending(one.object)}
        return frozenset(found)

    def _note(self, answer: Object | Refused, before: Object | None = None) -> Object | Refused:
        if isinstance(answer, Refused):
            return answer
        # What changes nothing answers with the version of another write: the one before, or an operator's.
        same = before and answer["metadata"]["generation"] == before["metadata"]["generation"]
        if before and same and (_version(answer) == _version(before) or answer["status"] != before["status"]):
            return answer
        return self._noted(answer)

    def _noted(self, answer: Object) -> Object:
        self._wrote.add(_version(answer))
        return answer


def _version(found: Object) -> int:
    return int(found["metadata"]["resourceVersion"])


def _is_ending(found: Object | None) -> bool:
    return bool(found and found["metadata"].get("deletionTimestamp"))
