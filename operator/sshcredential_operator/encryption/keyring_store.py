"""Where the key ring keeps its Secrets: a small Protocol that the controller implements, and the Secret as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A Secret of the operator's namespace. Its data may be the root key, so it is never shown."""

    name: str
    type: str
    data: Mapping[str, bytes] = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)
    resource_version: str = ""

    def value(self, secret_type: str, data_key: str) -> bytes | None:
        """Return the one value of a Secret of this type that holds nothing else, or None for any other Secret."""
        return self.data[data_key] if self.type == secret_type and self.data.keys() == {data_key} else None


class KeyringStore(Protocol):
    """Secrets of the operator's namespace, live. Every method may raise the client's own errors."""

    async def get(self, name: str) -> StoredSecret | None:
        """Return the Secret of this name, or None when there is none."""

    async def create(self, name: str, type: str, data: Mapping[str, bytes], labels: Mapping[str, str]) -> bool:  # noqa: A002 - as in a Secret
        """POST a Secret; False when there is one of this name already."""

    async def replace(self, secret: StoredSecret, data: Mapping[str, bytes]) -> bool:
        """PATCH the values of exactly this revision; False when there is a newer one, or none."""

    async def delete(self, secret: StoredSecret) -> bool:
        """DELETE exactly this revision; False when there is a newer one, or none."""

    async def list(self, type: str) -> list[StoredSecret]:  # noqa: A002 - as in a Secret
        """Return all Secrets of this type."""

    async def credentials_exist(self) -> bool:
        """Tell whether any Secret of a credential exists in the served workspaces."""
