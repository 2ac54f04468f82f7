"""An SSHCredentialExport as it was last seen: parsed once when it arrives, frozen. Used by the store and `exports`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sshcredential_operator.api.export_spec import ExportSpec, parse_export_spec
from sshcredential_operator.api.export_status import ExportStatus, parse_export_status
from sshcredential_operator.api.names import CredentialKey, ExportKey, Namespace
from sshcredential_operator.api.spec import InvalidSpec
from sshcredential_operator.api.timestamps import parse_timestamp


@dataclass(frozen=True, slots=True)
class Export:
    """One revision of an SSHCredentialExport."""

    key: ExportKey
    uid: str
    generation: int
    resource_version: str
    created_at: str
    deleting: bool
    spec: ExportSpec | InvalidSpec
    status: ExportStatus

    @property
    def credential(self) -> CredentialKey | None:
        """The credential that the spec names, as far as the spec can be read."""
        spec = self.spec
        return CredentialKey(self.key.namespace, spec.credential) if isinstance(spec, ExportSpec) else None

    @property
    def expires_at(self) -> datetime | None:
        """When the copy ends; None for never. A creation that cannot be read is long ago."""
        after = self.spec.expires_after if isinstance(self.spec, ExportSpec) else None
        if after is None:
            return None
        return (parse_timestamp(self.created_at) or datetime.fromtimestamp(0, UTC)) + after

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        ends = self.expires_at
        return ends is not None and ends <= now


def parse_export(raw: Mapping[str, Any]) -> Export:
    """Parse an object as the API server gives it; its schema guarantees the metadata."""
    metadata = raw["metadata"]
    return Export(
        key=ExportKey(Namespace(metadata["namespace"]), metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        created_at=metadata.get("creationTimestamp", ""),
        deleting="deletionTimestamp" in metadata,
        spec=parse_export_spec(raw.get("spec")),
        status=parse_export_status(raw.get("status")),
    )
