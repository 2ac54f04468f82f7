"""SSHCredentials of a cluster, as a person makes, changes and deletes them. Used by the commands that write.

Nothing is overwritten that was not looked at: what exists is never created again, and a change names the revision that
it was decided on. A refusal is a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import GROUP, PLURAL, VERSION
from sshcredential_operator.client.exports import APPLIED_BY, HOW, answer_of, object_of
from sshcredential_operator.client.refused import Refused

MERGE: Final = "application/merge-patch+json"
Object = dict[str, Any]


class CredentialWrites:
    """The credentials that this connection may change."""

    def __init__(self, api: client.ApiClient) -> None:
        self._objects = client.CustomObjectsApi(api)

    def get(self, namespace: str, name: str) -> Object | Refused:
        """Return a credential as it is."""
        where = (GROUP, VERSION, namespace, PLURAL, name)
        return object_of(lambda: self._objects.get_namespaced_custom_object(*where, **HOW))

    def create(self, namespace: str, manifest: Mapping[str, Any]) -> Object | Refused:
        """Make a credential; one of this name that exists is a refusal."""
        where = (GROUP, VERSION, namespace, PLURAL, dict(manifest))
        create = self._objects.create_namespaced_custom_object
        return object_of(lambda: create(*where, field_manager=APPLIED_BY, field_validation="Strict", **HOW))

    def patch(self, seen: Credential, spec: Mapping[str, Any]) -> Object | Refused:
        """Change the spec of the revision that was seen, by a merge patch; another revision is a refusal."""
        where = (GROUP, VERSION, seen.key.namespace, PLURAL, seen.key.name)
        body = {"metadata": {"uid": seen.uid, "resourceVersion": seen.resource_version}, "spec": dict(spec)}
        patch = self._objects.patch_namespaced_custom_object
        return object_of(lambda: patch(*where, body, field_manager=APPLIED_BY, _content_type=MERGE, **HOW))

    def annotate(self, seen: Credential, annotations: Mapping[str, str]) -> Object | Refused:
        """Annotate the revision that was seen; another revision is a refusal."""
        where = (GROUP, VERSION, seen.key.namespace, PLURAL, seen.key.name)
        metadata = {"uid": seen.uid, "resourceVersion": seen.resource_version, "annotations": dict(annotations)}
        patch = self._objects.patch_namespaced_custom_object
        body = {"metadata": metadata}
        return object_of(lambda: patch(*where, body, field_manager=APPLIED_BY, _content_type=MERGE, **HOW))

    def delete(self, seen: Credential, *, dry_run: bool = False) -> Object | Refused:
        """Delete the object that was seen, not another that has its name by now; or only ask whether it would be."""
        where = (GROUP, VERSION, seen.key.namespace, PLURAL, seen.key.name)
        options: Any = {"preconditions": {"uid": seen.uid}}
        if dry_run:
            options["dryRun"] = ["All"]  # in the body: beside one, the API server does not look at the query
        return answer_of(lambda: self._objects.delete_namespaced_custom_object(*where, body=options, **HOW))
