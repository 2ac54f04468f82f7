"""The key ring's Secrets in the operator's namespace, on a real API server. The only reader of that namespace."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sshcredential_operator.api.names import (
    BACKED_UP_AT_ANNOTATION,
    DELETE_WHILE_IN_USE_ANNOTATION,
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    SECRET_TYPE,
    Namespace,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.controller.ports import (
    BY_US,
    CONFLICT,
    NOT_FOUND,
    SECRETS_PATH,
    encoded,
    parse_secret,
)
from sshcredential_operator.controller.requests import MERGE_PATCH, Requests
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE
from sshcredential_operator.reconcile.trouble import TroubleError


@dataclass(slots=True)
class RingHistory:
    """What the Secrets that were read anyway tell of the key ring's age. For metrics: it costs no request."""

    changed_at: datetime | None = None
    """When the newest of those that a backup must hold was made."""
    notes: dict[str, datetime] = field(default_factory=dict)
    """What was noted after a backup: on the root key's Secret, or on its canary where the root is elsewhere."""

    made: dict[str, datetime] = field(default_factory=dict)
    """When each canary and each workspace's key was made, by the name of its Secret."""

    @property
    def backed_up_at(self) -> datetime | None:
        """When the last backup was made. It holds what every root key wraps, wherever that is kept."""
        return max(self.notes.values(), default=None)

    def saw(self, raw: Mapping[str, Any]) -> None:
        """Take a Secret of the key ring."""
        self._saw_note(raw)
        born = parse_timestamp(raw["metadata"].get("creationTimestamp", ""))
        if born and raw.get("type") in {KEK_SECRET_TYPE, CANARY_SECRET_TYPE}:
            self.made[raw["metadata"]["name"]] = born
        if raw.get("type") not in {ROOT_SECRET_TYPE, KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE}:
            return
        made = parse_timestamp(raw["metadata"].get("creationTimestamp", ""))
        self.changed_at = max((when for when in (made, self.changed_at) if when), default=None)

    def _saw_note(self, raw: Mapping[str, Any]) -> None:
        if raw.get("type") not in {ROOT_SECRET_TYPE, CANARY_SECRET_TYPE}:
            return
        name = raw["metadata"]["name"]
        noted = parse_timestamp((raw["metadata"].get("annotations") or {}).get(BACKED_UP_AT_ANNOTATION, ""))
        self.notes.pop(name, None)
        if noted:
            self.notes[name] = noted


class ApiKeyringStore:
    """Implements the key ring's `KeyringStore`. `workspaces` empty means all namespaces."""

    def __init__(self, requests: Requests, namespace: Namespace, workspaces: tuple[Namespace, ...]) -> None:
        self._requests, self._namespace, self._workspaces = requests, namespace, workspaces
        self._path = SECRETS_PATH.format(namespace=namespace)
        self.history = RingHistory()

    async def get(self, name: str) -> StoredSecret | None:
        """Read one Secret of the key ring live."""
        answer = await self._requests.send("GET", f"{self._path}/{name}", expect=frozenset({NOT_FOUND}), what="secrets")
        return None if answer.code == NOT_FOUND else self._stored(answer.json())

    async def create(self, name: str, type: str, data: Mapping[str, bytes], labels: Mapping[str, str]) -> bool:  # noqa: A002 - the field's name
        """POST one Secret; False when the name is taken."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: FIELD_MANAGER, **labels}},
            "type": type,
            "data": {member: b64encode(value).decode() for member, value in data.items()},
        }
        path = f"{self._path}?fieldManager={FIELD_MANAGER}"
        answer = await self._requests.send("POST", path, body=body, expect=frozenset({CONFLICT}), what="secrets")
        if answer.code == CONFLICT:
            return False
        self.history.saw(answer.json())
        return True

    async def replace(self, secret: StoredSecret, data: Mapping[str, bytes]) -> bool:
        """Merge-patch one revision; False when there is a newer one, or none."""
        body = {"metadata": {"resourceVersion": secret.resource_version}, "data": encoded(data)}
        path = f"{self._path}/{secret.name}{BY_US}"
        expect = frozenset({NOT_FOUND, CONFLICT})
        answer = await self._requests.send(
            "PATCH", path, body=body, content_type=MERGE_PATCH, expect=expect, what="secrets"
        )
        return answer.code < NOT_FOUND

    async def delete(self, secret: StoredSecret) -> bool:
        """Delete one revision; False when there is a newer one, or none.

        It is marked before: an operator with all rights, such as at a desk, is held up like everybody who has them.
        """
        path, expect = f"{self._path}/{secret.name}", frozenset({NOT_FOUND, CONFLICT})
        meant = {DELETE_WHILE_IN_USE_ANNOTATION: "true"}
        mark = {"metadata": {"resourceVersion": secret.resource_version, "annotations": meant}}
        marked = await self._requests.send(
            "PATCH", path + BY_US, body=mark, content_type=MERGE_PATCH, expect=expect, what="secrets"
        )
        if marked.code >= NOT_FOUND:
            return False
        preconditions = {"resourceVersion": marked.json()["metadata"]["resourceVersion"]}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        answer = await self._requests.send("DELETE", path, body=body, expect=expect, what="secrets")
        return answer.code < NOT_FOUND

    async def list(self, type: str) -> list[StoredSecret]:  # noqa: A002 - the field's name
        """List the Secrets of one type."""
        answer = await self._requests.send("GET", f"{self._path}?fieldSelector=type%3D{type}", what="secrets")
        return [self._stored(item) for item in answer.json()["items"]]

    async def credentials_exist(self) -> bool:
        """Whether any workspace holds a Secret of ours; one that we may not look into does not count."""
        paths = [SECRETS_PATH.format(namespace=namespace) for namespace in self._workspaces] or ["/api/v1/secrets"]
        for path in paths:
            try:
                answer = await self._requests.send(
                    "GET", f"{path}?fieldSelector=type%3D{SECRET_TYPE}&limit=1", what="secrets"
                )
            except TroubleError as trouble:
                if trouble.reason is not Reason.FORBIDDEN:
                    raise
                continue
            if answer.json()["items"]:
                return True
        return False

    def _stored(self, raw: Mapping[str, Any]) -> StoredSecret:
        self.history.saw(raw)
        secret = parse_secret(raw)
        metadata = raw["metadata"]
        annotations = metadata.get("annotations") or {}
        return StoredSecret(metadata["name"], secret.type, secret.data, annotations, secret.resource_version)
