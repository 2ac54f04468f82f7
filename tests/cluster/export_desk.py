"""What a person does to exports and ConfigMaps of one namespace, and sees of them. Beside `desk`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from kubernetes import client

from cluster.desk import until_shown
from cluster.shown import Object, answered, reason_of
from sshcredential_operator.api.names import API_VERSION, EXPORT_KIND, EXPORT_PLURAL, GROUP, VERSION

NOT_FOUND = 404


class ExportDesk:
    """The exports of one namespace, as its administrator."""

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._objects: Any = client.CustomObjectsApi(connection)
        self._core: Any = client.CoreV1Api(connection)
        self._where = (GROUP, VERSION, namespace, EXPORT_PLURAL)

    def create(self, name: str, spec: Object) -> Object:
        """Make an export."""
        body = {"apiVersion": API_VERSION, "kind": EXPORT_KIND, "metadata": {"name": name}, "spec": spec}
        return cast("Object", self._objects.create_namespaced_custom_object(*self._where, body))

    def edit(self, name: str, spec: Object) -> Object:
        """Change the spec by a merge patch; None takes a member away."""
        return cast("Object", self._objects.patch_namespaced_custom_object(*self._where, name, {"spec": spec}))

    def annotate(self, name: str, annotations: dict[str, str]) -> None:
        """Annotate an export."""
        self._objects.patch_namespaced_custom_object(*self._where, name, {"metadata": {"annotations": annotations}})

    def delete(self, name: str) -> None:
        """Delete an export."""
        self._objects.delete_namespaced_custom_object(*self._where, name)

    def get(self, name: str) -> Object:
        """Return an export as it is."""
        return cast("Object", self._objects.get_namespaced_custom_object(*self._where, name))

    def names(self) -> list[str]:
        """Return the names of all exports."""
        return [one["metadata"]["name"] for one in self._objects.list_namespaced_custom_object(*self._where)["items"]]

    def until(self, name: str, reason: str) -> Object:
        """Return the export when Ready has this reason for the spec's present generation."""
        return self.until_object(name, lambda found: (reason_of(found), answered(found)) == (reason, True), reason)

    def until_object(self, name: str, condition: Callable[[Object], bool], what: str) -> Object:
        """Return the export when this condition holds for it."""
        return until_shown(lambda: self.get(name), condition, f"export {name} is {what}")

    def write_config_map(self, name: str, data: dict[str, str]) -> None:
        """Make a ConfigMap, or give it other values."""
        body = {"metadata": {"name": name}, "data": data}
        try:
            self._core.create_namespaced_config_map(self.namespace, body)
        except client.ApiException as refused:
            if refused.status != 409:
                raise
            self._core.patch_namespaced_config_map(name, self.namespace, body)

    def copies(self) -> dict[str, Object]:
        """Return every Secret of the namespace that says it is a copy, by name."""
        listed = self._core.list_namespaced_secret(self.namespace, _preload_content=False)
        secrets = json.loads(listed.data)["items"]
        marks = ("sshcredentials.dev/copy", "sshcredentials.dev/export")
        return {
            one["metadata"]["name"]: one
            for one in secrets
            if any(
                mark in {**one["metadata"].get("annotations", {}), **one["metadata"].get("labels", {})}
                for mark in marks
            )
        }


def exported(credential: str, secret: str, profile: str = "SSHAuth", **members: Any) -> Object:
    """Return a spec of a plain copy."""
    return {"credentialRef": {"name": credential}, "secretName": secret, "profile": profile, **members}
