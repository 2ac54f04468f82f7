"""The stored format written a second time, from its description, with AES-GCM, JSON and base64 alone.

It shares no line with the package, and takes every random value as an argument: a vector can be made again bit by bit.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Randomness(NamedTuple):
    """What is random in one sealed value."""

    data_key: bytes
    wrapping_iv: bytes
    iv: bytes


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def seal(plaintext: bytes, kid: str, key: bytes, aad: bytes, randomness: Randomness) -> bytes:
    """Return a JWE in flattened JSON (RFC 7516 sections 5.1 and 7.2.2, RFC 7518 section 4.7)."""
    wrapped = AESGCM(key).encrypt(randomness.wrapping_iv, randomness.data_key, None)
    protected = b64(b'{"enc":"A256GCM"}')
    sealed = AESGCM(randomness.data_key).encrypt(randomness.iv, plaintext, f"{protected}.{b64(aad)}".encode())
    header = {"alg": "A256GCMKW", "kid": kid, "iv": b64(randomness.wrapping_iv), "tag": b64(wrapped[-16:])}
    return compact(
        {
            "protected": protected,
            "header": header,
            "encrypted_key": b64(wrapped[:-16]),
            "iv": b64(randomness.iv),
            "ciphertext": b64(sealed[:-16]),
            "tag": b64(sealed[-16:]),
            "aad": b64(aad),
        }
    )


def value_aad(namespace: str, name: str, credential_id: str, key_number: int, field: str) -> bytes:
    return compact(["sshcredentials.dev/v1", "SSHCredential", namespace, name, credential_id, key_number, field])


def kek_aad(namespace: str, namespace_uid: str, kid: str) -> bytes:
    return compact(["sshcredentials.dev/v1", "KEK", namespace, namespace_uid, kid])


def canary_aad(root_key_id: str) -> bytes:
    return compact(["sshcredentials.dev/v1", "Canary", root_key_id])


def kek_document(kid: str, namespace: str, namespace_uid: str, root_key_id: str, wrapped: bytes) -> bytes:
    return compact(
        {
            "version": "sshcredentials.dev/v1",
            "kid": kid,
            "namespace": namespace,
            "namespaceUid": namespace_uid,
            "rootSource": "Secret",
            "rootKeyId": root_key_id,
            "annotations": {},
            "wrapped": json.loads(wrapped),
        }
    )


def canary_document(root_key_id: str, wrapped: bytes) -> bytes:
    return compact(
        {
            "version": "sshcredentials.dev/v1",
            "rootSource": "Secret",
            "rootKeyId": root_key_id,
            "annotations": {},
            "wrapped": json.loads(wrapped),
        }
    )


def root_document(keys: list[tuple[str, bytes]]) -> bytes:
    return compact({"keys": [{"kty": "oct", "alg": "A256GCMKW", "kid": kid, "k": b64(key)} for kid, key in keys]})
