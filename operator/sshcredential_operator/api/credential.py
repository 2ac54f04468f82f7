"""An SSHCredential as it was last seen: parsed once when it arrives, frozen. Used by the store and `reconcile`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sshcredential_operator.api.names import FORCE_PROMOTION_ANNOTATION, CredentialKey, Namespace
from sshcredential_operator.api.shared import shared
from sshcredential_operator.api.spec import InvalidSpec, Spec, parse_spec
from sshcredential_operator.api.status import Status, parse_status


@dataclass(frozen=True, slots=True)
class Credential:
    """One revision of an SSHCredential."""

    key: CredentialKey
    uid: str
    resource_version: str
    generation: int
    created_at: str
    deleting: bool
    spec: Spec | InvalidSpec
    status: Status
    forced_promotion: str | None = None
    """Fingerprint of the staged key that a person wants used though a target has not let it in."""

    @property
    def claimed_name(self) -> str:
        """The name that must be unique in the namespace."""
        return self.spec.name if isinstance(self.spec, Spec) else self.key.name


def parse_credential(raw: Mapping[str, Any]) -> Credential:
    """Parse an object as the API server gives it; its schema guarantees the metadata."""
    metadata = raw["metadata"]
    key = CredentialKey(shared(Namespace(metadata["namespace"])), metadata["name"])
    return Credential(
        key=key,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        created_at=metadata.get("creationTimestamp", ""),
        deleting="deletionTimestamp" in metadata,
        spec=parse_spec(raw.get("spec") or {}, key.name),
        status=parse_status(raw.get("status")),
        forced_promotion=(metadata.get("annotations") or {}).get(FORCE_PROMOTION_ANNOTATION),
    )
