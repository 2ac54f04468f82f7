"""A backup of the key ring as a value and as JSON. Made by `sshcred keyring backup`, read by `restore` and `recover`.

It holds the Secrets as they are stored, for a cluster, and beside them every key in the clear, so that whoever can
open the file needs no root key: what the root is, and where it is kept, does not matter then. Pure.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sshcredential_operator.api.names import FIELD_MANAGER, GROUP, MANAGED_BY_LABEL
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.encryption import b64url, exact_json, x25519_jwe
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.envelope import KEY_SIZE, KID, Kek
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, NAMESPACE_UID
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.place import DNS_LABEL
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE, RootSource
from sshcredential_operator.encryption.sealing import SEALING_KID
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE
from sshcredential_operator.encryption.wrapping import KMS_KEY_ID

VERSION: Final = f"{GROUP}/key-ring-backup/v1"
MAX_BACKUP: Final = 256 * 1024 * 1024
RING_TYPES: Final = (ROOT_SECRET_TYPE, CANARY_SECRET_TYPE, KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE)
"""The types of the Secrets that make up the key ring, in the order in which they are made."""

_MOST: Final = 100_000
_MEMBERS: Final = ("version", "madeAt", "namespace", "rootSource", "rootKeyId", "keks", "sealingKeys", "secrets")


class ClearKek(NamedTuple):
    """A workspace's KEK in the clear, and whose it is."""

    namespace: str
    namespace_uid: str
    kek: Kek


class ClearSealingKey(NamedTuple):
    """A sealing key with its private half in the clear."""

    kid: str
    private: Sensitive


@dataclass(frozen=True, slots=True)
class RingBackup:
    """All of a key ring at one moment."""

    made_at: datetime
    namespace: str
    """The operator's namespace."""
    root_source: RootSource
    root_key_id: str
    keks: tuple[ClearKek, ...] = field(repr=False)
    sealing_keys: tuple[ClearSealingKey, ...] = field(repr=False)
    secrets: tuple[StoredSecret, ...] = field(repr=False)

    def of_type(self, secret_type: str) -> list[StoredSecret]:
        """Return the stored Secrets of a type."""
        return [secret for secret in self.secrets if secret.type == secret_type]

    def keks_of(self, namespace: str) -> dict[str, Kek]:
        """Return the KEKs of a namespace by their kids."""
        return {one.kek.kid: one.kek for one in self.keks if one.namespace == namespace}

    def to_bytes(self) -> bytes:
        """Return the JSON, which holds every key in the clear: encrypt it."""
        keks = [
            {
                "kid": one.kek.kid,
                "namespace": one.namespace,
                "namespaceUid": one.namespace_uid,
                "k": b64url.encode(one.kek.key.reveal()),
            }
            for one in self.keks
        ]
        sealing = [{"kid": one.kid, **x25519_jwe.private_jwk(one.private)} for one in self.sealing_keys]
        items = [_manifest(secret, self.namespace) for secret in self.secrets]
        listed = {"apiVersion": "v1", "kind": "List", "items": items}
        made_at = format_timestamp(self.made_at)
        values = (VERSION, made_at, self.namespace, self.root_source, self.root_key_id, keks, sealing, listed)
        return exact_json.write(dict(zip(_MEMBERS, values, strict=True)))

    @staticmethod
    def from_bytes(data: bytes) -> RingBackup | None:
        """Return the backup, or None for anything else."""
        try:
            return _parse(exact_json.read(data, MAX_BACKUP))
        except Malformed:
            return None


def manifest_of(secret: StoredSecret, namespace: str) -> dict[str, object]:
    """Return the Secret as it is made in a namespace."""
    return _manifest(secret, namespace)


def _manifest(secret: StoredSecret, namespace: str) -> dict[str, object]:
    metadata: dict[str, object] = {
        "name": secret.name,
        "namespace": namespace,
        "labels": {MANAGED_BY_LABEL: FIELD_MANAGER},
    }
    if secret.annotations:
        metadata["annotations"] = dict(secret.annotations)
    data = {name: b64encode(value).decode() for name, value in secret.data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.type, "data": data}


def stored_secret_of(raw: Mapping[str, object]) -> StoredSecret | None:
    """Return a Secret's manifest as a value; None for one that no API server would have given."""
    metadata, data = raw.get("metadata"), raw.get("data") or {}
    if not isinstance(metadata, dict) or not isinstance(data, dict):
        return None
    annotations, name = metadata.get("annotations") or {}, metadata.get("name")
    if not isinstance(name, str) or not _are_texts(annotations) or not _are_texts(data):
        return None
    try:
        values = {member: b64decode(value, validate=True) for member, value in data.items()}
    except (binascii.Error, ValueError):
        return None
    return StoredSecret(name, str(raw.get("type", "")), values, annotations, str(metadata.get("resourceVersion") or ""))


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for one in value.items() for text in one)


def _parse(value: object) -> RingBackup:
    version, made_at, namespace, source, root_key_id, keks, sealing, listed = exact_json.members(value, *_MEMBERS)
    moment = parse_timestamp(made_at) if isinstance(made_at, str) else None
    if version != VERSION or moment is None:
        raise Malformed
    _, _, secrets = exact_json.members(listed, "apiVersion", "kind", "items")
    return RingBackup(
        moment,
        exact_json.text(namespace, DNS_LABEL),
        exact_json.choice(source, RootSource),
        exact_json.text(root_key_id, KMS_KEY_ID),
        tuple(_kek(one) for one in exact_json.items(keks, _MOST)),
        tuple(_sealing_key(one) for one in exact_json.items(sealing, _MOST)),
        tuple(_secret(one) for one in exact_json.items(secrets, _MOST)),
    )


def _kek(value: object) -> ClearKek:
    kid, namespace, uid, k = exact_json.members(value, "kid", "namespace", "namespaceUid", "k")
    kek = Kek(exact_json.text(kid, KID), _octets(k))
    return ClearKek(exact_json.text(namespace, DNS_LABEL), exact_json.text(uid, NAMESPACE_UID), kek)


def _sealing_key(value: object) -> ClearSealingKey:
    kid, _, _, _, d = exact_json.members(value, "kid", "kty", "crv", "x", "d")
    return ClearSealingKey(exact_json.text(kid, SEALING_KID), _octets(d))


def _octets(text: object) -> Sensitive:
    octets = b64url.decode(text)
    if octets is None or len(octets) != KEY_SIZE:
        raise Malformed
    return Sensitive(octets)


def _secret(value: object) -> StoredSecret:
    secret = stored_secret_of(value) if isinstance(value, dict) else None
    if secret is None or secret.type not in RING_TYPES:
        raise Malformed
    return secret
