"""The names that users and other programs see: API group, kinds, types, labels, annotations, object names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, NewType

GROUP: Final = "sshcredentials.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "SSHCredential"
PLURAL: Final = "sshcredentials"
EXPORT_KIND: Final = "SSHCredentialExport"
EXPORT_PLURAL: Final = "sshcredentialexports"
TARGET_KIND: Final = "SSHTarget"
TARGET_PLURAL: Final = "sshtargets"

FIELD_MANAGER: Final = "sshcredential-operator"
DEFAULT_OPERATOR_NAMESPACE: Final = "sshcredential-system"

SECRET_TYPE: Final = f"{GROUP}/credential"
"""Type of the Secret that holds a credential. Kubernetes never lets a type change, so watches select by it."""

CREDENTIAL_LABEL: Final = f"{GROUP}/credential"
EXPORT_LABEL: Final = f"{GROUP}/export"
"""On every copy, with the first 63 characters of the export's name: for people, and for the watch."""
COPY_ANNOTATION: Final = f"{GROUP}/copy"
"""The proof that a copy is ours; see `encryption/copy_proof.py`."""
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
ORPHANED_SINCE_ANNOTATION: Final = f"{GROUP}/orphaned-since"
BACKED_UP_AT_ANNOTATION: Final = f"{GROUP}/backed-up-at"
"""A person notes on the root key's Secret when the key ring was last backed up: `2026-11-23T17:00:00Z`."""
REBOUND_TO_ANNOTATION: Final = f"{GROUP}/rebound-to"
"""On the Secret of a workspace's key, the uid of a namespace made anew with that name: the key opens there, too."""
DELETE_WHILE_IN_USE_ANNOTATION: Final = f"{GROUP}/delete-while-in-use"
"""A person sets it to `true` on a credential in use, or a Secret of the key ring: admission lets it be deleted then."""
RETIRED_ANNOTATION: Final = f"{GROUP}/retired"
"""A person sets it to `true` on a sealing key's Secret: nothing opens any more what was sealed to that key."""
FORCE_PROMOTION_ANNOTATION: Final = f"{GROUP}/force-promotion"
"""On an SSHCredential, the fingerprint of status.next: that key is used though an SSHTarget has not let it in yet."""
TRUST_HOST_KEY_ANNOTATION: Final = f"{GROUP}/trust-host-key"
"""On an SSHTarget, the fingerprint of the host key that a person has compared and takes from now on."""
PROBE_REQUESTED_ANNOTATION: Final = f"{GROUP}/probe-requested"
"""On an SSHTarget, any new text, such as the time: probe it now. The status repeats it when that is done."""

KEY_RING_CONFIG_MAP: Final = "sshcredential-key-ring"
"""In the operator's namespace: where people ask for rotations of the key ring's keys, and see how far they are."""

SECRET_SUFFIX: Final = "-sshcredential"

Namespace = NewType("Namespace", str)


class CredentialKey(NamedTuple):
    """Where a credential lives. The same pair names it before, during and after its life."""

    namespace: Namespace
    name: str

    @property
    def secret_name(self) -> str:
        """Name of the Secret that holds this credential's keys."""
        return self.name + SECRET_SUFFIX


def credential_of_secret(namespace: Namespace, secret_name: str) -> CredentialKey | None:
    """Return the credential that a Secret of our type belongs to by its name, or None for a name that is not ours."""
    name = secret_name.removesuffix(SECRET_SUFFIX)
    return CredentialKey(namespace, name) if name and name != secret_name else None


@dataclass(frozen=True, slots=True, order=True)
class ExportKey:
    """Where an export lives. No NamedTuple: it must not be equal to a credential of the same two names."""

    namespace: Namespace
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class TargetKey:
    """Where a target lives; no NamedTuple, for the same reason."""

    namespace: Namespace
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
