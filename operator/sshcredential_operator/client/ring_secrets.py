"""The key ring's Secrets, and those of credentials, as somebody with the rights for them backs up and restores them.

Used by `sshcred keyring backup` and `restore`. Nothing that is there is overwritten: Secrets are made by POST, and a
change names the revision that it was decided on. A refusal is a value.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client

from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.client.credential_writes import MERGE
from sshcredential_operator.client.credentials import pages
from sshcredential_operator.client.exports import APPLIED_BY, HOW, answer_of, object_of
from sshcredential_operator.client.refused import Refused
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RING_TYPES, manifest_of, stored_secret_of

CONFLICT: Final = 409
Object = dict[str, Any]


class RingSecrets:
    """The Secrets that this connection reaches."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    def ring(self, namespace: str) -> list[StoredSecret] | Refused:
        """Return all Secrets of the key ring, as they were at one moment."""
        found = pages(lambda **page: self._core.list_namespaced_secret(namespace, **page))
        if isinstance(found, Refused):
            return found
        secrets = [secret for raw in found if (secret := stored_secret_of(raw))]
        return sorted(
            (secret for secret in secrets if secret.type in RING_TYPES),
            key=lambda secret: (RING_TYPES.index(secret.type), secret.name),
        )

    def credentials(self, namespace: str) -> list[StoredSecret] | Refused:
        """Return the Secrets of a namespace's credentials."""
        which = f"type={SECRET_TYPE}"
        found = pages(lambda **page: self._core.list_namespaced_secret(namespace, field_selector=which, **page))
        if isinstance(found, Refused):
            return found
        return [secret for raw in found if (secret := stored_secret_of(raw))]

    def namespace_uids(self) -> dict[str, str] | Refused:
        """Return the uid of every namespace."""
        answer = answer_of(lambda: self._core.list_namespace(**HOW))
        if isinstance(answer, Refused):
            return answer
        return {str(raw["metadata"]["name"]): str(raw["metadata"]["uid"]) for raw in answer.get("items") or ()}

    def create(self, namespace: str, secret: StoredSecret) -> Object | Refused:
        """POST a Secret; one of this name that is there is a refusal with the code CONFLICT."""
        body: Any = manifest_of(secret, namespace)
        create = self._core.create_namespaced_secret
        return object_of(lambda: create(namespace, body, field_manager=APPLIED_BY, **HOW))

    def change(self, namespace: str, seen: StoredSecret, data: Mapping[str, bytes]) -> Object | Refused:
        """Replace these values of exactly the revision that was seen."""
        values = {name: b64encode(value).decode() for name, value in data.items()}
        return self._patch(namespace, seen, {"metadata": {"resourceVersion": seen.resource_version}, "data": values})

    def annotate(self, namespace: str, seen: StoredSecret, annotations: Mapping[str, str]) -> Object | Refused:
        """Annotate a Secret, whatever its revision is."""
        return self._patch(namespace, seen, {"metadata": {"annotations": dict(annotations)}})

    def _patch(self, namespace: str, seen: StoredSecret, body: Object) -> Object | Refused:
        patch = self._core.patch_namespaced_secret
        return object_of(
            lambda: patch(seen.name, namespace, body, field_manager=APPLIED_BY, _content_type=MERGE, **HOW)
        )
