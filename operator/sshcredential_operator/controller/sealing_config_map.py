"""The ConfigMap that tells every authenticated user the public halves of the sealing keys. Written by `sealing.py`."""

from __future__ import annotations

from typing import Final, NamedTuple

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL, Namespace
from sshcredential_operator.controller.ports import BY_US, CONFLICT, NOT_FOUND
from sshcredential_operator.controller.requests import MERGE_PATCH, Requests
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP, SEALING_KEYS_DATA_KEY

_WHAT: Final = "configmaps"


class Published(NamedTuple):
    """What the ConfigMap says; no revision where there is none."""

    resource_version: str | None = None
    text: str | None = None


class ApiSealingConfigMap:
    """Reads it, and writes what follows from a look that was taken after that."""

    def __init__(self, requests: Requests, namespace: Namespace) -> None:
        self._requests = requests
        self._collection = f"/api/v1/namespaces/{namespace}/configmaps"
        self._path = f"{self._collection}/{SEALING_KEYS_CONFIG_MAP}"

    async def read(self) -> Published:
        """Read it live."""
        answer = await self._requests.send("GET", self._path, expect=frozenset({NOT_FOUND}), what=_WHAT)
        if answer.code == NOT_FOUND:
            return Published()
        found = answer.json()
        text = (found.get("data") or {}).get(SEALING_KEYS_DATA_KEY)
        return Published(found["metadata"]["resourceVersion"], text)

    async def write(self, seen: Published, text: str) -> bool:
        """Let it say this text; False when somebody else was faster."""
        if seen.text == text:
            return True
        labels, data = {MANAGED_BY_LABEL: FIELD_MANAGER}, {SEALING_KEYS_DATA_KEY: text}
        if seen.resource_version is None:
            metadata = {"name": SEALING_KEYS_CONFIG_MAP, "labels": labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            answer = await self._requests.send(
                "POST", self._collection + BY_US, body=body, expect=frozenset({CONFLICT}), what=_WHAT
            )
        else:
            metadata = {"resourceVersion": seen.resource_version, "labels": labels}
            answer = await self._requests.send(
                "PATCH",
                self._path + BY_US,
                body={"metadata": metadata, "data": data},
                content_type=MERGE_PATCH,
                expect=frozenset({CONFLICT, NOT_FOUND}),
                what=_WHAT,
            )
        return answer.code < NOT_FOUND
