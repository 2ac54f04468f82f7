"""SSHTargets of a cluster, as a person reads and annotates them. Used by `target`, `rotate` and completion.

The spec and the status are never written here: people write the one, and the targets process the other. A refusal is a
value.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubernetes import client

from sshcredential_operator.api.names import GROUP, TARGET_PLURAL, VERSION
from sshcredential_operator.api.target import Target
from sshcredential_operator.client.credential_writes import MERGE
from sshcredential_operator.client.credentials import METADATA_ONLY, PAGE, Object, pages
from sshcredential_operator.client.exports import APPLIED_BY, HOW, list_of, object_of
from sshcredential_operator.client.refused import Refused


class Targets:
    """The targets that this connection reaches. Nothing raises."""

    def __init__(self, api: client.ApiClient) -> None:
        self._objects = client.CustomObjectsApi(api)

    def get(self, namespace: str, name: str) -> Object | Refused:
        """Return a target as it is."""
        where = (GROUP, VERSION, namespace, TARGET_PLURAL, name)
        return object_of(lambda: self._objects.get_namespaced_custom_object(*where, **HOW))

    def all_in(self, namespace: str | None) -> list[Object] | Refused:
        """Return the targets of a namespace, or with None those of all."""
        if namespace is None:
            return pages(lambda **page: self._objects.list_cluster_custom_object(GROUP, VERSION, TARGET_PLURAL, **page))
        where = (GROUP, VERSION, namespace, TARGET_PLURAL)
        return pages(lambda **page: self._objects.list_namespaced_custom_object(*where, **page))

    def names_in(self, namespace: str, seconds: float) -> list[str]:
        """Return the names of a namespace's targets; none where the answer does not come in time."""
        how = HOW | {"_request_timeout": seconds, "_headers": METADATA_ONLY}
        listed = self._objects.list_namespaced_custom_object
        answer = list_of(lambda: listed(GROUP, VERSION, namespace, TARGET_PLURAL, limit=PAGE, **how))
        return [] if isinstance(answer, Refused) else [str(one["metadata"]["name"]) for one in answer["items"]]

    def annotate(self, seen: Target, annotations: Mapping[str, str], *, this_revision: bool) -> Object | Refused:
        """Annotate the object that was seen; with `this_revision`, only as long as nobody has changed it since."""
        where = (GROUP, VERSION, seen.key.namespace, TARGET_PLURAL, seen.key.name)
        revision = {"resourceVersion": seen.resource_version} if this_revision else {}
        body = {"metadata": {"uid": seen.uid, **revision, "annotations": dict(annotations)}}
        patch = self._objects.patch_namespaced_custom_object
        return object_of(lambda: patch(*where, body, field_manager=APPLIED_BY, _content_type=MERGE, **HOW))
