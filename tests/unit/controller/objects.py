"""Credentials and Secrets as the watches show them, made in one line."""

from __future__ import annotations

from typing import Any

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import SECRET_TYPE, CredentialKey, Namespace
from sshcredential_operator.reconcile.observed import RawSecret

GENOMICS = Namespace("genomics")
PHYSICS = Namespace("physics")

FACTS: dict[str, Any] = {
    "credentialId": "0123456789abcdef0123456789abcdef",
    "keyNumber": 1,
    "rotationSerial": 0,
    "algorithm": "Ed25519",
    "bits": 256,
    "fingerprint": "SHA256:x",
    "publicKey": "ssh-ed25519 x",
    "passphraseProtected": False,
    "createdAt": "2026-01-01T00:00:00Z",
    "encryption": {"keyId": "kid"},
}


def key(name: str, namespace: Namespace = GENOMICS) -> CredentialKey:
    return CredentialKey(namespace, name)


def raw_credential(name: str, version: int, namespace: Namespace = GENOMICS, **changes: Any) -> dict[str, Any]:
    """Return a credential of this revision; `changes` are `spec_name`, `created`, `uid` and `status`."""
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": changes.get("uid", f"uid-of-{name}"),
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": changes.get("created", "2026-01-01T00:00:00Z"),
        },
        "spec": {"generate": {}, "name": changes.get("spec_name", name)},
        "status": changes.get("status", {}),
    }


def credential(name: str, version: int, namespace: Namespace = GENOMICS, **changes: Any) -> Credential:
    return parse_credential(raw_credential(name, version, namespace, **changes))


def secret(version: int, uid: str = "secret-uid", **data: bytes) -> RawSecret:
    return RawSecret(uid, str(version), SECRET_TYPE, data)
