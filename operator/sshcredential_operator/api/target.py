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
from sshcredential_operator.api.target_spec import TargetSpec, credential_named, parse_target_spec
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
    credential_name: str | None = None
    """The credential that the spec names, be the rest of the spec readable or not: it holds promotions all the same."""

    @property
    def credential(self) -> CredentialKey | None:
        """The credential that the spec names."""
        return CredentialKey(self.key.namespace, self.credential_name) if self.credential_name else None

    @property
    def used(self) -> tuple[CredentialKey, ...]:
        """All credentials that this target uses, that of the bootstrap too."""
        if not isinstance(self.spec, TargetSpec):
            return (self.credential,) if self.credential else ()
        names = self.spec.credentials
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
        credential_name=credential_named(raw.get("spec")),
    )
