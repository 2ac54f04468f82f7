"""SSHCredentials of one namespace as one user sees them: made, changed or only tried, with the API server's answer.

For tests that ask the API server hundreds of times: a request of the Python client costs a fraction of a kubectl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, cast

from kubernetes import client, config

from controlplane.clusters import Cluster
from sshcredential_operator.api.names import API_VERSION, GROUP, KIND, PLURAL, VERSION

NAME: Final = "hpc-login"
MERGE: Final = "application/merge-patch+json"

Object = dict[str, Any]


class Refused(NamedTuple):
    """What the API server says, and one `field: message` for every cause that it names."""

    says: str
    causes: tuple[str, ...] = ()


class Credentials:
    """Each method returns the object as it is afterwards, or why not."""

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self._api = client.CustomObjectsApi(connection)
        self._where = (GROUP, VERSION, namespace, PLURAL)

    def attempt(self, manifest: Object) -> Object | Refused:
        """Return what would be stored, and store nothing."""
        return self._create(manifest, dry_run="All")

    def create(self, spec: Object, name: str = NAME) -> Object | Refused:
        """Make a credential."""
        return self._create(credential(spec, name))

    def patch(self, body: Object, name: str = NAME) -> Object | Refused:
        """Change a credential by a merge patch."""
        return self._answer(self._api.patch_namespaced_custom_object, name, body, _content_type=MERGE)

    def patch_status(self, status: Object, name: str = NAME) -> Object | Refused:
        """Change its status by a merge patch, as the operator does."""
        body = {"status": status}
        return self._answer(self._api.patch_namespaced_custom_object_status, name, body, _content_type=MERGE)

    def delete(self, name: str = NAME) -> Object | Refused:
        """Delete a credential."""
        return self._answer(self._api.delete_namespaced_custom_object, name)

    def _create(self, manifest: Object, **options: str) -> Object | Refused:
        create = self._api.create_namespaced_custom_object
        return self._answer(create, manifest, field_validation="Strict", **options)

    def _answer(self, request: Any, *arguments: Any, **options: str) -> Object | Refused:
        try:
            return cast("Object", request(*self._where, *arguments, **options))
        except client.ApiException as refused:
            return _refused(json.loads(refused.body or "{}"))


@contextmanager
def credentials_of(cluster: Cluster, namespace: str, user: str = "admin") -> Iterator[Credentials]:
    """Connect as a user."""
    kubeconfig = str(cluster.kubeconfig_for(user))
    with config.new_client_from_config(kubeconfig) as connection:
        yield Credentials(connection, namespace)


def credential(spec: Object, name: str = NAME) -> Object:
    """Return a manifest."""
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def _refused(status: Object) -> Refused:
    causes = status.get("details", {}).get("causes", [])
    return Refused(status["message"], tuple(f"{cause.get('field')}: {cause['message']}" for cause in causes))
