"""The operator's key ring, as an administrator asks of it, and its workspaces' stored keys. Used by `keyring`.

Requests go into a ConfigMap, where the operator answers them (docs/design/013). Shredding and binding change the keys'
Secrets with the rights of whoever does it. A refusal is a value.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kubernetes import client

from sshcredential_operator.api.names import (
    DELETE_WHILE_IN_USE_ANNOTATION,
    KEY_RING_CONFIG_MAP,
    REBOUND_TO_ANNOTATION,
    SECRET_TYPE,
)
from sshcredential_operator.client.credential_writes import MERGE
from sshcredential_operator.client.credentials import pages
from sshcredential_operator.client.exports import APPLIED_BY, HOW, answer_of, object_of
from sshcredential_operator.client.refused import Refused
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, KekDocument

STATE: Final = "state.json"


class Sheet(NamedTuple):
    """What the ConfigMap says: the requests that wait, and what the operator says of itself."""

    resource_version: str
    requests: Mapping[str, str]
    state: Mapping[str, Any]


class StoredKey(NamedTuple):
    """A workspace's key as its Secret tells of it; the key itself stays wrapped."""

    secret_name: str
    uid: str
    resource_version: str
    kid: str
    namespace: str
    namespace_uid: str
    rebound_to: str | None


class KeyRing:
    """One key ring. Nothing raises."""

    def __init__(self, api: client.ApiClient, operator_namespace: str) -> None:
        self._core: Any = client.CoreV1Api(api)
        self.namespace = operator_namespace

    def sheet(self) -> Sheet | Refused:
        """Return what the ConfigMap says now."""
        read = self._core.read_namespaced_config_map
        found = object_of(lambda: read(KEY_RING_CONFIG_MAP, self.namespace, **HOW))
        if isinstance(found, Refused):
            return found
        data = dict(found.get("data") or {})
        try:
            state = json.loads(data.pop(STATE, "null"))
        except (ValueError, RecursionError):
            state = None
        return Sheet(found["metadata"]["resourceVersion"], data, state if isinstance(state, dict) else {})

    def ask(self, seen: Sheet, entry: str, value: str) -> Refused | None:
        """Write a request into the revision that was seen; another revision is a refusal."""
        body = {"metadata": {"resourceVersion": seen.resource_version}, "data": {entry: value}}
        patch, how = self._core.patch_namespaced_config_map, {"field_manager": APPLIED_BY, "_content_type": MERGE}
        answer = object_of(lambda: patch(KEY_RING_CONFIG_MAP, self.namespace, body, **how, **HOW))
        return answer if isinstance(answer, Refused) else None

    def keys(self) -> list[StoredKey] | Refused:
        """Return the workspaces' keys that are stored; what is none is left out."""
        listed, asked = self._core.list_namespaced_secret, {"field_selector": f"type={KEK_SECRET_TYPE}"}
        found = pages(lambda **page: listed(self.namespace, **asked, **page))
        return found if isinstance(found, Refused) else [key for raw in found if (key := _key(raw))]

    def delete(self, key: StoredKey) -> Refused | None:
        """Delete the Secret of a key, exactly the one that was seen; admission wants it to be said on it before."""
        marked = self._annotate(key, {DELETE_WHILE_IN_USE_ANNOTATION: "true"})
        if isinstance(marked, Refused):
            return marked
        delete = self._core.delete_namespaced_secret
        body = {"preconditions": {"uid": key.uid, "resourceVersion": marked["metadata"]["resourceVersion"]}}
        answer = answer_of(lambda: delete(key.secret_name, self.namespace, body=body, **HOW))
        return answer if isinstance(answer, Refused) else None

    def bind(self, key: StoredKey, namespace_uid: str) -> Refused | None:
        """Let a key open the values of the namespace with this uid, too."""
        answer = self._annotate(key, {REBOUND_TO_ANNOTATION: namespace_uid})
        return answer if isinstance(answer, Refused) else None

    def _annotate(self, key: StoredKey, annotations: Mapping[str, str]) -> dict[str, Any] | Refused:
        body = {"metadata": {"resourceVersion": key.resource_version, "annotations": dict(annotations)}}
        patch, how = self._core.patch_namespaced_secret, {"field_manager": APPLIED_BY, "_content_type": MERGE}
        return object_of(lambda: patch(key.secret_name, self.namespace, body, **how, **HOW))

    def namespace_uid(self, namespace: str) -> str | Refused:
        """Return the uid of a namespace."""
        answer = answer_of(lambda: self._core.read_namespace(namespace, **HOW))
        return answer if isinstance(answer, Refused) else str(answer["metadata"]["uid"])

    def stored_in(self, namespace: str | None) -> list[Mapping[str, bytes]] | Refused:
        """Return the encrypted values of every credential's Secret, of a namespace or with None of all."""
        asked = {"field_selector": f"type={SECRET_TYPE}"}
        if namespace is None:
            found = pages(lambda **page: self._core.list_secret_for_all_namespaces(**asked, **page))
        else:
            found = pages(lambda **page: self._core.list_namespaced_secret(namespace, **asked, **page))
        return found if isinstance(found, Refused) else [_data(raw) for raw in found]


def _data(raw: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: b64decode(value) for name, value in (raw.get("data") or {}).items()}


def _key(raw: Mapping[str, Any]) -> StoredKey | None:
    metadata = raw["metadata"]
    document = KekDocument.from_bytes(_data(raw).get(KEK_DATA_KEY, b""))
    if document is None:
        return None
    bound = (metadata.get("annotations") or {}).get(REBOUND_TO_ANNOTATION)
    where = (metadata["name"], metadata["uid"], metadata["resourceVersion"])
    return StoredKey(*where, document.kid, document.namespace, document.namespace_uid, bound)
