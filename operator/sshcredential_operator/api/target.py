"""An SSHTarget as it was last seen: parsed once when it arrives, frozen. Used by the stores and `targets`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sshcredential_operator.api.names import (
    PROBE_REQUESTED_ANNOTATION,
    TRUST_HOST_KEY_ANNOTATION,
    CredentialKey,
    Namespace,
    TargetKey,
)
from sshcredential_operator.api.spec import InvalidSpec
from sshcredential_operator.api.target_spec import TargetSpec, parse_target_spec
from sshcredential_operator.api.target_status import TargetStatus, parse_target_status


@dataclass(frozen=True, slots=True)
class Target:
    """One revision of an SSHTarget."""

    key: TargetKey
    uid: str
    generation: int
    resource_version: str
    created_at: str
    deleting: bool
    spec: TargetSpec | InvalidSpec
    status: TargetStatus
    trusted_fingerprint: str | None = None
    """What a person says of the host key: `sshcred target trust`."""
    probe_request: str | None = None

    @property
    def credential(self) -> CredentialKey | None:
        """The credential that the spec names, as far as the spec can be read."""
        spec = self.spec
        return CredentialKey(self.key.namespace, spec.credential) if isinstance(spec, TargetSpec) else None

    @property
    def used(self) -> tuple[CredentialKey, ...]:
        """All credentials that this target uses, that of the bootstrap too."""
        names = self.spec.credentials if isinstance(self.spec, TargetSpec) else ()
        return tuple(CredentialKey(self.key.namespace, name) for name in names)

    @property
    def jump(self) -> TargetKey | None:
        """The target to go through."""
        name = self.spec.jump if isinstance(self.spec, TargetSpec) else None
        return None if name is None else TargetKey(self.key.namespace, name)


def parse_target(raw: Mapping[str, Any]) -> Target:
    """Parse an object as the API server gives it; its schema guarantees the metadata."""
    metadata = raw["metadata"]
    annotations = metadata.get("annotations") or {}
    return Target(
        key=TargetKey(Namespace(metadata["namespace"]), metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        created_at=metadata.get("creationTimestamp", ""),
        deleting="deletionTimestamp" in metadata,
        spec=parse_target_spec(raw.get("spec")),
        status=parse_target_status(raw.get("status")),
        trusted_fingerprint=annotations.get(TRUST_HOST_KEY_ANNOTATION),
        probe_request=annotations.get(PROBE_REQUESTED_ANNOTATION),
    )
