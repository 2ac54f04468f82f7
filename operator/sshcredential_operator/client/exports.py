"""SSHCredentialExports of a cluster, as a person makes and lists them. Used by `export`, `exports` and `reseal`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from kubernetes import client

from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.names import EXPORT_PLURAL, GROUP, VERSION
from sshcredential_operator.client.refused import Refused, refused

APPLIED_BY: Final = "sshcred"
"""The field manager of what people apply with this program."""
APPLY: Final = "application/apply-patch+yaml"
HOW: Final[dict[str, Any]] = {"_request_timeout": 30, "_preload_content": False}
"""An answer that takes longer does not come. It is taken as it comes: of a 201 the client would make nothing."""
_IN_ALL_METADATA: Final = ("namespace", "name", "uid", "resourceVersion")


class Exports:
    """The exports that this connection reaches. Nothing raises: a refusal is a value."""

    def __init__(self, api: client.ApiClient) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._secrets = client.CoreV1Api(api)

    def apply(self, namespace: str, manifest: Mapping[str, Any]) -> Export | Refused:
        """Apply on the server's side. Fields that another manager holds are left to it: a conflict is a refusal."""
        where = (GROUP, VERSION, namespace, EXPORT_PLURAL, manifest["metadata"]["name"])
        apply = self._objects.patch_namespaced_custom_object
        return _one(lambda: apply(*where, dict(manifest), field_manager=APPLIED_BY, _content_type=APPLY, **HOW))

    def create(self, namespace: str, manifest: Mapping[str, Any]) -> Export | Refused:
        """Make an export; one of this name that exists is a refusal."""
        where = (GROUP, VERSION, namespace, EXPORT_PLURAL, dict(manifest))
        create = self._objects.create_namespaced_custom_object
        return _one(lambda: create(*where, field_manager=APPLIED_BY, field_validation="Strict", **HOW))

    def delete(self, seen: Export) -> Refused | None:
        """Delete the object that was seen; return why not."""
        where = (GROUP, VERSION, seen.key.namespace, EXPORT_PLURAL, seen.key.name)
        asked = {**HOW, "body": {"preconditions": {"uid": seen.uid}}}
        answer = answer_of(lambda: self._objects.delete_namespaced_custom_object(*where, **asked))
        return answer if isinstance(answer, Refused) else None

    def copy(self, namespace: str, secret_name: str) -> dict[str, bytes] | Refused:
        """Return the values of the Secret that holds a copy."""
        answer = answer_of(lambda: self._secrets.read_namespaced_secret(secret_name, namespace, **HOW))
        if isinstance(answer, Refused):
            return answer
        return {name: b64decode(value) for name, value in (answer.get("data") or {}).items()}

    def get(self, namespace: str, name: str) -> Export | Refused:
        """Return an export as it is."""
        where = (GROUP, VERSION, namespace, EXPORT_PLURAL, name)
        return _one(lambda: self._objects.get_namespaced_custom_object(*where, **HOW))

    def all_in(self, namespace: str | None) -> list[Export] | Refused:
        """Return the exports of a namespace, or with None those of all."""
        if namespace is None:
            answer = list_of(lambda: self._objects.list_cluster_custom_object(GROUP, VERSION, EXPORT_PLURAL, **HOW))
        else:
            where = (GROUP, VERSION, namespace, EXPORT_PLURAL)
            answer = list_of(lambda: self._objects.list_namespaced_custom_object(*where, **HOW))
        return answer if isinstance(answer, Refused) else [parse_export(raw) for raw in answer["items"]]


def _one(send: Callable[[], Any]) -> Export | Refused:
    answer = object_of(send)
    return answer if isinstance(answer, Refused) else parse_export(answer)


def answer_of(send: Callable[[], Any]) -> dict[str, Any] | Refused:
    """Return what the API server answers to a request."""
    try:
        answer = orjson.loads(send().data)
    except client.ApiException as answered:
        return refused(answered.status, answered.body)
    except Exception:  # noqa: BLE001 - connections and credential plugins fail in any way; their texts may hold credentials
        return refused(None, None)
    return answer if isinstance(answer, dict) and isinstance(answer.get("metadata"), dict) else refused(None, None)


def object_of(send: Callable[[], Any]) -> dict[str, Any] | Refused:
    """Return the object that is answered. What says 200 and sends something else is no API server."""
    answer = answer_of(send)
    return answer if isinstance(answer, Refused) or _is_object(answer) else refused(None, None)


def list_of(send: Callable[[], Any]) -> dict[str, Any] | Refused:
    """Return the list of objects that is answered, in its `items`."""
    answer = answer_of(send)
    if isinstance(answer, Refused):
        return answer
    found = answer.get("items")
    return answer if isinstance(found, list) and all(map(_is_object, found)) else refused(None, None)


def _is_object(raw: Any) -> bool:  # noqa: ANN401 - any JSON
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    return isinstance(metadata, dict) and all(isinstance(metadata.get(member), str) for member in _IN_ALL_METADATA)
