"""The names that users and other programs see: API group, kinds, types, labels, annotations, object names."""

from __future__ import annotations

from typing import Final, NamedTuple, NewType

GROUP: Final = "sshcredentials.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "SSHCredential"
PLURAL: Final = "sshcredentials"
EXPORT_KIND: Final = "SSHCredentialExport"
EXPORT_PLURAL: Final = "sshcredentialexports"

FIELD_MANAGER: Final = "sshcredential-operator"
DEFAULT_OPERATOR_NAMESPACE: Final = "sshcredential-system"

SECRET_TYPE: Final = f"{GROUP}/credential"
"""Type of the Secret that holds a credential. Kubernetes never lets a type change, so watches select by it."""

CREDENTIAL_LABEL: Final = f"{GROUP}/credential"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
ORPHANED_SINCE_ANNOTATION: Final = f"{GROUP}/orphaned-since"

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
