"""The ports of a pass over an export on a real API server."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.names import (
    COPY_ANNOTATION,
    EXPORT_KIND,
    EXPORT_PLURAL,
    TARGET_PLURAL,
    ExportKey,
    Namespace,
    TargetKey,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.controller.ports import (
    API_PATH,
    BY_US,
    CONFLICT,
    NOT_FOUND,
    SECRETS_PATH,
    ApiAnnouncer,
    api_is_served,
    delete_secret,
    encoded,
    patch_status,
)
from sshcredential_operator.controller.requests import MERGE_PATCH, Requests
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace
from sshcredential_operator.exports.observed import RawCopy
from sshcredential_operator.exports.ports import Subject
from sshcredential_operator.exports.wish import OUR_LABELS
from sshcredential_operator.reconcile.trouble import TroubleError

EXPORTS_PATH: Final = API_PATH + "/namespaces/{namespace}/" + EXPORT_PLURAL


class ApiExports:
    """The port `Exports`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, key: ExportKey) -> Export | None:
        """Read one export live. None only while the API itself is fully served."""
        path = f"{EXPORTS_PATH.format(namespace=key.namespace)}/{key.name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=EXPORT_PLURAL)
        if answer.code != NOT_FOUND:
            return parse_export(answer.json())
        if not await api_is_served(self._requests, EXPORT_PLURAL):
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return None

    async def patch_status(self, export: Export, status: Mapping[str, Any]) -> Export | None:
        """Merge-patch the status of one revision; None when there is a newer one, or none."""
        path = f"{EXPORTS_PATH.format(namespace=export.key.namespace)}/{export.key.name}"
        answer = await patch_status(self._requests, path, export.resource_version, status, what=EXPORT_PLURAL)
        return parse_export(answer) if answer else None


class ApiCopies:
    """The port `Copies`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, place: CopyPlace) -> RawCopy | None:
        """Read one Secret live."""
        answer = await self._requests.send("GET", _path(place), expect=frozenset({NOT_FOUND}), what="secrets")
        return None if answer.code == NOT_FOUND else parse_copy(answer.json())

    async def create(self, place: CopyPlace, content: CopyContent, proof: str) -> RawCopy | None:
        """POST a copy; None when the name is taken."""
        metadata = {
            "name": place.secret_name,
            "namespace": place.namespace,
            "labels": dict(content.labels),
            "annotations": {COPY_ANNOTATION: proof},
        }
        answer = await self._requests.send(
            "POST",
            SECRETS_PATH.format(namespace=place.namespace) + BY_US,
            body={"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
            | {"type": content.type, "data": encoded(content.data)},
            expect=frozenset({CONFLICT}),
            what="secrets",
        )
        return None if answer.code == CONFLICT else parse_copy(answer.json())

    async def replace(self, place: CopyPlace, before: RawCopy, content: CopyContent, proof: str) -> RawCopy | None:
        """Merge-patch one revision; what the new content has not goes. None when there is a newer one, or none."""
        goes = dict.fromkeys(before.content.data.keys() - content.data.keys())
        labels = dict.fromkeys(OUR_LABELS & before.content.labels.keys()) | dict(content.labels)
        metadata = {
            "uid": before.uid,
            "resourceVersion": before.resource_version,
            "labels": labels,
            "annotations": {COPY_ANNOTATION: proof},
        }
        answer = await self._requests.send(
            "PATCH",
            _path(place) + BY_US,
            body={"metadata": metadata, "data": goes | encoded(content.data)},
            content_type=MERGE_PATCH,
            expect=frozenset({NOT_FOUND, CONFLICT}),
            what="secrets",
        )
        return parse_copy(answer.json()) if answer.code < NOT_FOUND else None

    async def delete(self, place: CopyPlace, uid: str, resource_version: str) -> None:
        """Delete one revision of one object; anything newer stays."""
        await delete_secret(self._requests, _path(place), uid, resource_version)


class ApiConfigMaps:
    """The port `ConfigMaps`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def value(self, namespace: Namespace, name: str, key: str) -> str | None:
        """Read one value of a ConfigMap live; None where either is missing."""
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what="configmaps")
        if answer.code == NOT_FOUND:
            return None
        value = (answer.json().get("data") or {}).get(key)
        return value if isinstance(value, str) else None


class ApiTargets:
    """The port `Targets` of exports."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, key: TargetKey) -> Target | None:
        """Read one target live; None also where the cluster knows no targets."""
        path = f"{API_PATH}/namespaces/{key.namespace}/{TARGET_PLURAL}/{key.name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=TARGET_PLURAL)
        return None if answer.code == NOT_FOUND else parse_target(answer.json())


class ApiExportAnnouncer:
    """The port `ExportAnnouncer`."""

    def __init__(self, announcer: ApiAnnouncer) -> None:
        self._announcer = announcer

    async def announce(self, subject: Subject, event: str, note: str, *, warning: bool, moment: str) -> None:
        """POST an Event about an export, be it gone."""
        key, about = subject.key, {"kind": EXPORT_KIND, "uid": subject.uid}
        await self._announcer.post(key.namespace, key.name, about, event, note, warning=warning, moment=moment)


def parse_copy(raw: Mapping[str, Any]) -> RawCopy:
    """Return a Secret object as a RawCopy."""
    metadata = raw["metadata"]
    data = {name: b64decode(value) for name, value in (raw.get("data") or {}).items()}
    return RawCopy(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        content=CopyContent(raw.get("type", "Opaque"), metadata.get("labels") or {}, data),
        proof=(metadata.get("annotations") or {}).get(COPY_ANNOTATION),
        immutable=raw.get("immutable") is True,
    )


def _path(place: CopyPlace) -> str:
    return f"{SECRETS_PATH.format(namespace=place.namespace)}/{place.secret_name}"
