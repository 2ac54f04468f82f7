"""The key ring's Secrets in the operator's namespace, on a real API server. The only reader of that namespace."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sshcredential_operator.api.names import (
    BACKED_UP_AT_ANNOTATION,
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    SECRET_TYPE,
    Namespace,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.controller.ports import CONFLICT, NOT_FOUND, SECRETS_PATH, parse_secret
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_check import RootProblem
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, ROOT_SECRET_TYPE
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE
from sshcredential_operator.reconcile.trouble import TroubleError

PROBLEMS: Final[dict[RootProblem, str]] = {
    RootProblem.ROOT_LOST: (
        f"The root key (Secret {ROOT_SECRET_NAME}) is gone, but things encrypted under it exist. No new one is made. "
        "Restore it from its backup."
    ),
    RootProblem.ROOT_WRONG: (
        f"The root key in Secret {ROOT_SECRET_NAME} is not the one that the workspaces' keys were wrapped with. "
        "Restore the right one from its backup."
    ),
    RootProblem.ROOT_MALFORMED: (
        f"Secret {ROOT_SECRET_NAME} does not hold a root key (cut, changed, or of another type). "
        "Restore it from its backup."
    ),
    RootProblem.CANARY_MALFORMED: (
        "The canary of the root key is damaged. Delete its Secret (sshcredential-canary-...): "
        "it is made again if the root key opens the workspaces' keys."
    ),
    RootProblem.KEKS_LOST: (
        "Credentials exist, but neither the root key's canary nor any workspace's key does. "
        "Restore the Secrets of the operator's namespace from their backup."
    ),
    RootProblem.UNSETTLED: (
        "The Secrets of the key ring keep changing, or a Secret of another type has the name of one of them. "
        "Look for whoever writes to the operator's namespace."
    ),
}
"""What is wrong with the key ring, and what to do, for the log and /readyz."""


@dataclass(slots=True)
class RingHistory:
    """What the Secrets that were read anyway tell of the key ring's age. For metrics: it costs no request."""

    changed_at: datetime | None = None
    """When the newest of those that a backup must hold was made."""
    backed_up_at: datetime | None = None
    """What a person has noted on the root key's Secret after the last backup."""

    def saw(self, raw: Mapping[str, Any]) -> None:
        """Take a Secret of the key ring."""
        if raw.get("type") not in {ROOT_SECRET_TYPE, KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE}:
            return
        made = parse_timestamp(raw["metadata"].get("creationTimestamp", ""))
        self.changed_at = max((when for when in (made, self.changed_at) if when), default=None)
        if raw["metadata"]["name"] == ROOT_SECRET_NAME:
            noted = (raw["metadata"].get("annotations") or {}).get(BACKED_UP_AT_ANNOTATION, "")
            self.backed_up_at = parse_timestamp(noted)


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
        return StoredSecret(metadata["name"], secret.type, secret.data, metadata.get("annotations") or {})
