"""Sealed values: private key and passphrase encrypted at the user's desk, for `spec.sealed`.

Sealed by `sshcred seal` and `create`, opened by the operator, read without any key by `observe` and `sshcred validate`.
The protected header says for which credential, field and key pair a value is, so it cannot be used for another one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import FINGERPRINT
from sshcredential_operator.encryption import exact_json, x25519_jwe
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.place import DNS_LABEL, Field

MAX_SEALED: Final = 48 * 1024
"""Characters of the longest sealed value."""
SEALING_KID: Final = re.compile(r"([1-9][0-9]{0,5})\.[A-Za-z0-9_-]{43}")
"""Slot and thumbprint (RFC 7638) of a sealing key."""

_OURS: Final = {"scope": "str", "namespace": "str", "name": "str", "field": "str", "fingerprint": "str"}
_ALWAYS: Final = x25519_jwe.COMMON | _OURS.keys()
_REGISTRY: Final = x25519_jwe.registry(_OURS)


class Scope(StrEnum):
    """Where a sealed value may be used."""

    STRICT = "strict"
    """By the credential of one name in one namespace."""
    NAMESPACE = "namespace"
    """By any credential of one namespace."""


class Seal(NamedTuple):
    """What a sealed value says it is. `name` is None for the scope `namespace`; `fingerprint` is the key pair's."""

    kid: str
    scope: Scope
    namespace: str
    name: str | None
    field: Field
    fingerprint: str

    def fits(self, namespace: str, name: str) -> bool:
        """Whether a credential of this namespace and metadata.name may use it."""
        return self.namespace == namespace and self.name in {None, name}

    @property
    def place(self) -> str:
        """For whom it is, in words: `genomics/hpc-login`, or `any credential of genomics`."""
        return f"any credential of {self.namespace}" if self.name is None else f"{self.namespace}/{self.name}"


def seal_value(value: Sensitive, x: str, seal: Seal) -> str:
    """Return the sealed value for the sealing key whose public half is `x`, the JWK's member. Random every time."""
    return x25519_jwe.encrypt(_header(seal), value, x, _REGISTRY).decode("ascii")


def seal_of(text: str) -> Seal | None:
    """Return what a sealed value says it is, unproven; None for anything that `seal_value` would not have made."""
    if len(text) > MAX_SEALED:
        return None
    try:
        return _seal(x25519_jwe.protected_header(text.encode("ascii")))
    except (Malformed, UnicodeEncodeError):
        return None


def open_value(text: str, private: Sensitive) -> Sensitive | None:
    """Open a value whose `seal_of` was read with the private half, 32 octets; None when any bit does not fit."""
    return x25519_jwe.decrypt(x25519_jwe.private_jwk(private), text.encode("ascii"), _REGISTRY)


def _header(seal: Seal) -> dict[str, object]:
    found = {"kid": seal.kid, "scope": seal.scope.value, "namespace": seal.namespace, "name": seal.name}
    found |= {"field": seal.field.value, "fingerprint": seal.fingerprint}
    return {name: value for name, value in found.items() if value is not None}


def _seal(header: dict[str, object]) -> Seal:
    scope = exact_json.choice(header.get("scope"), Scope)
    if header.keys() != (_ALWAYS if scope is Scope.STRICT else _ALWAYS - {"name"}):
        raise Malformed
    field = exact_json.choice(header["field"], Field)
    if field is Field.RECORD:
        raise Malformed
    return Seal(
        kid=exact_json.text(header["kid"], SEALING_KID),
        scope=scope,
        namespace=exact_json.text(header["namespace"], DNS_LABEL),
        name=exact_json.text(header["name"], DNS_LABEL) if scope is Scope.STRICT else None,
        field=field,
        fingerprint=exact_json.text(header["fingerprint"], FINGERPRINT),
    )
