"""The public halves of the sealing keys, as users have them: a JWK Set (RFC 7517 section 5), the newest key first.

Published by the operator in a ConfigMap; `sshcred sealing-key` writes the same text into a file, and `seal`, `create`
and `validate` read it. A key's id repeats its thumbprint, so a file whose keys were exchanged shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.encryption import x25519_jwe
from sshcredential_operator.encryption.sealing import SEALING_KID

SEALING_KEYS_CONFIG_MAP: Final = "sshcredential-sealing-keys"
SEALING_KEYS_DATA_KEY: Final = "keys.json"
MAX_TEXT: Final = 512 * 1024
MOST_KEYS: Final = 1000

_FIXED: Final = {"kty": "OKP", "crv": "X25519", "use": "enc", "alg": x25519_jwe.ALG}


class SealingKey(NamedTuple):
    """One public half: `x` is the JWK's member, 32 octets in base64url. Nothing opens what a retired key has sealed."""

    kid: str
    x: str
    created_at: datetime
    retired: bool = False

    @property
    def slot(self) -> int:
        """Its number: the newest key has the highest."""
        return int(self.kid.partition(".")[0])

    @property
    def fingerprint(self) -> str:
        """What people compare: `SHA256:` and the thumbprint (RFC 7638)."""
        return f"SHA256:{self.kid.partition('.')[2]}"


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """All public halves, the newest first; no two of one slot."""

    keys: tuple[SealingKey, ...] = ()

    @property
    def newest(self) -> SealingKey | None:
        """The key to seal with: the newest that is not retired."""
        return next((key for key in self.keys if not key.retired), None)

    def find(self, kid: str) -> SealingKey | None:
        """Return the key of that id."""
        return next((key for key in self.keys if key.kid == kid), None)


def sealing_kid(slot: int, x: str) -> str:
    """Return the id of the key in a slot: `<slot>.<thumbprint>`."""
    return f"{slot}.{x25519_jwe.thumbprint(x)}"


def to_jwks(keys: SealingKeys) -> str:
    """Return the text of the JWK Set, for people and programs, with a last newline."""
    return json.dumps({"keys": [_jwk(key) for key in keys.keys]}, indent=2) + "\n"


def from_jwks(text: bytes) -> SealingKeys | None:
    """Return the keys of a JWK Set, sorted; None where one of them is none of ours, or there is no key.

    Members that another program added are passed over; a key whose id is not its own thumbprint's is none of ours.
    """
    try:
        value = json.loads(text) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return None
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_KEYS:
        return None
    keys = [key for entry in entries if (key := _key(entry))]
    if len(keys) != len(entries) or len({key.slot for key in keys}) != len(keys):
        return None
    return SealingKeys(tuple(sorted(keys, key=lambda key: -key.slot)))


def _jwk(key: SealingKey) -> dict[str, object]:
    found: dict[str, object] = {**_FIXED, "kid": key.kid, "x": key.x, "createdAt": format_timestamp(key.created_at)}
    return found | {"retired": True} if key.retired else found


def _key(entry: object) -> SealingKey | None:
    if not isinstance(entry, Mapping) or any(entry.get(name) != value for name, value in _FIXED.items()):
        return None
    kid, x, retired = entry.get("kid"), entry.get("x"), entry.get("retired", False)
    created_at = _moment(entry)
    match = SEALING_KID.fullmatch(kid) if isinstance(kid, str) else None
    if match is None or created_at is None or not isinstance(retired, bool) or x25519_jwe.public_octets(x) is None:
        return None
    return SealingKey(match[0], str(x), created_at, retired) if sealing_kid(int(match[1]), str(x)) == kid else None


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    created_at = entry.get("createdAt")
    return parse_timestamp(created_at) if isinstance(created_at, str) else None
