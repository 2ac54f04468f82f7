"""The root keys as they are stored: a JWK Set (RFC 7517 section 5) of 256-bit keys. Used by the key ring and recovery.

The first key wraps new KEKs; the others, if any, only open what was wrapped before, while the root is being replaced.
Pure, so that a recovery tool needs no cluster.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.envelope import ALG, KEY_SIZE, Kek
from sshcredential_operator.encryption.exact_json import Malformed

ROOT_SECRET_NAME: Final = "sshcredential-root-key"
ROOT_SECRET_TYPE: Final = "sshcredentials.dev/root-key"
ROOT_DATA_KEY: Final = "jwks"
ROOT_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")
MAX_ROOT_KEYS: Final = 8

_LONGEST: Final = 4096


class RootSource(StrEnum):
    """Where the root key is kept. For a KMS it never leaves the plugin."""

    SECRET = "Secret"
    FILE = "File"
    KMS = "KMS"


@dataclass(frozen=True, slots=True)
class RootKeys:
    """1 to 8 root keys, no two alike. A root key is a `Kek` whose kid is the rootKeyId."""

    keys: tuple[Kek, ...]

    @property
    def writing(self) -> Kek:
        """The key that wraps what is wrapped from now on."""
        return self.keys[0]

    def find(self, root_key_id: str) -> Kek | None:
        """Return the root key of that id."""
        return next((key for key in self.keys if key.kid == root_key_id), None)


def new_root_keys() -> RootKeys:
    """Return a set with one fresh root key."""
    return RootKeys((Kek(secrets.token_hex(8), Sensitive(secrets.token_bytes(KEY_SIZE))),))


def root_keys_to_bytes(roots: RootKeys) -> bytes:
    """Return the stored form: a JWK Set in one spelling. It holds the keys in plain."""
    keys = [{"kty": "oct", "alg": ALG, "kid": key.kid, "k": b64url.encode(key.key.reveal())} for key in roots.keys]
    return exact_json.write({"keys": keys})


def root_keys_from_bytes(data: bytes) -> RootKeys | None:
    """Return the root keys, or None for what is cut, doubled, of another size or not exactly this form."""
    try:
        (values,) = exact_json.members(exact_json.read(data, _LONGEST), "keys")
        keys = tuple(_key(value) for value in exact_json.items(values, MAX_ROOT_KEYS))
    except Malformed:
        return None
    distinct = {key.kid for key in keys}, {key.key.reveal() for key in keys}
    return RootKeys(keys) if keys and all(len(found) == len(keys) for found in distinct) else None


def _key(value: object) -> Kek:
    kty, alg, kid, k = exact_json.members(value, "kty", "alg", "kid", "k")
    key = b64url.decode(k)
    if (kty, alg) != ("oct", ALG) or key is None or len(key) != KEY_SIZE:
        raise Malformed
    return Kek(exact_json.text(kid, ROOT_KEY_ID), Sensitive(key))
