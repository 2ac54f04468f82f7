"""Objects of one namespace as one user sees them: made, changed or only tried, with the API server's answer.

For tests that ask the API server hundreds of times: a request of the Python client costs a fraction of a kubectl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Final, NamedTuple, TypeVar, cast

from kubernetes import client, config

from controlplane.clusters import Cluster
from sshcredential_operator.api.names import (
    API_VERSION,
    EXPORT_KIND,
    EXPORT_PLURAL,
    GROUP,
    KIND,
    PLURAL,
    TARGET_KIND,
    TARGET_PLURAL,
    VERSION,
)

NAME: Final = "hpc-login"
MERGE: Final = "application/merge-patch+json"

Object = dict[str, Any]


class Refused(NamedTuple):
    """What the API server says, and one `field: message` for every cause that it names."""

    says: str
    causes: tuple[str, ...] = ()


class Objects:
    """The objects of one kind. Each method returns the object as it is afterwards, or why not."""

    KIND: ClassVar[str]
    PLURAL: ClassVar[str]

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self._api = client.CustomObjectsApi(connection)
        self.namespace = namespace
        self._where = (GROUP, VERSION, namespace, self.PLURAL)

    def attempt(self, manifest: Object) -> Object | Refused:
        """Return what would be stored, and store nothing."""
        return self._create(manifest, dry_run="All")

    def create(self, spec: Object, name: str = NAME) -> Object | Refused:
        """Make an object."""
        return self._create(self.manifest(spec, name))

    def patch(self, body: Object | list[Object], name: str = NAME, *, kind: str = MERGE) -> Object | Refused:
        """Change an object by a merge patch, or by a patch of another kind."""
        return self._answer(self._api.patch_namespaced_custom_object, name, body, _content_type=kind)

    def patch_status(self, status: Object, name: str = NAME) -> Object | Refused:
        """Change its status by a merge patch, as the operator does."""
        body = {"status": status}
        return self._answer(self._api.patch_namespaced_custom_object_status, name, body, _content_type=MERGE)

    def delete(self, name: str = NAME, **options: str) -> Object | Refused:
        """Delete an object."""
        return self._answer(self._api.delete_namespaced_custom_object, name, **options)

    def delete_all(self) -> Object | Refused:
        """Delete every object."""
        return self._answer(self._api.delete_collection_namespaced_custom_object)

    @classmethod
    def manifest(cls, spec: Object, name: str = NAME) -> Object:
        """Return a manifest."""
        return {"apiVersion": API_VERSION, "kind": cls.KIND, "metadata": {"name": name}, "spec": spec}

    def _create(self, manifest: Object, **options: str) -> Object | Refused:
        create = self._api.create_namespaced_custom_object
        return self._answer(create, manifest, field_validation="Strict", **options)

    def _answer(self, request: Any, *arguments: Any, **options: str) -> Object | Refused:
        try:
            return cast("Object", request(*self._where, *arguments, **options))
        except client.ApiException as refused:
            return _refused(json.loads(refused.body or "{}"))


class Credentials(Objects):
    """SSHCredentials."""

    KIND = KIND
    PLURAL = PLURAL


class Exports(Objects):
    """SSHCredentialExports."""

    KIND = EXPORT_KIND
    PLURAL = EXPORT_PLURAL


class Targets(Objects):
    """SSHTargets."""

    KIND = TARGET_KIND
    PLURAL = TARGET_PLURAL


KindOfObjects = TypeVar("KindOfObjects", bound=Objects)


@contextmanager
def objects_of(
    kind: type[KindOfObjects], cluster: Cluster, namespace: str, user: str = "admin"
) -> Iterator[KindOfObjects]:
    """Connect as a user."""
    kubeconfig = str(cluster.kubeconfig_for(user))
    with config.new_client_from_config(kubeconfig) as connection:
        yield kind(connection, namespace)


def credentials_of(cluster: Cluster, namespace: str, user: str = "admin") -> AbstractContextManager[Credentials]:
    """Connect as a user, for SSHCredentials."""
    return objects_of(Credentials, cluster, namespace, user)


def exports_of(cluster: Cluster, namespace: str, user: str = "admin") -> AbstractContextManager[Exports]:
    """Connect as a user, for SSHCredentialExports."""
    return objects_of(Exports, cluster, namespace, user)


def targets_of(cluster: Cluster, namespace: str, user: str = "admin") -> AbstractContextManager[Targets]:
    """Connect as a user, for SSHTargets."""
    return objects_of(Targets, cluster, namespace, user)


credential: Final = Credentials.manifest
export: Final = Exports.manifest
target: Final = Targets.manifest


def said(answer: Object | Refused) -> str:
    """Return what the API server objects to; empty when it took the request."""
    return answer.says if isinstance(answer, Refused) else ""


def _refused(status: Object) -> Refused:
    causes = status.get("details", {}).get("causes", [])
    return Refused(status["message"], tuple(f"{cause.get('field')}: {cause['message']}" for cause in causes))
