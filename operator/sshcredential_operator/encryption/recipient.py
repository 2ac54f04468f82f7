"""A value for one recipient of a copy, sealed by the operator for an export and opened by `sshcred open`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json, x25519_jwe
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.place import DNS_LABEL, MAX_KEY_NUMBER, Field

MAX_TEXT: Final = x25519_jwe.MAX_TEXT
_OURS: Final = {"namespace": "str", "name": "str", "keyNumber": "int", "field": "str"}
_HEADER: Final = x25519_jwe.COMMON | _OURS.keys()
_REGISTRY: Final = x25519_jwe.registry(_OURS)


class Delivery(NamedTuple):
    """What a sealed value is."""

    namespace: str
    name: str
    key_number: int
    field: Field


class RecipientKey(NamedTuple):
    """An X25519 public key, as the `x` of a JWK (RFC 8037): 32 octets in base64url."""

    x: str

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return x25519_jwe.thumbprint(self.x)


def recipient_key(x: object) -> RecipientKey | None:
    """Return the key of this `x`; None for another text and for a point that would give everybody the same secret."""
    octets = x25519_jwe.public_octets(x)
    return None if octets is None else RecipientKey(b64url.encode(octets))


def seal_for(recipient: RecipientKey, value: Sensitive, what: Delivery) -> bytes:
    """Return the text of the JWE."""
    header = {
        "kid": recipient.kid,
        "namespace": what.namespace,
        "name": what.name,
        "keyNumber": what.key_number,
        "field": what.field.value,
    }
    return x25519_jwe.encrypt(header, value, recipient.x, _REGISTRY)


def delivery_of(text: bytes) -> Delivery | None:
    """Return what a sealed value says it is, unproven; None for anything that `seal_for` would not have made."""
    try:
        return _delivery(x25519_jwe.protected_header(text))
    except Malformed:
        return None


def open_with(private: Mapping[str, object], text: bytes) -> tuple[Delivery, Sensitive] | None:
    """Open with a private JWK (`kty` OKP, `crv` X25519, `x`, `d`); None when anything does not fit."""
    what = delivery_of(text)
    own = recipient_key(private.get("x"))
    if what is None or own is None or x25519_jwe.protected_header(text)["kid"] != own.kid:
        return None
    value = x25519_jwe.decrypt(private, text, _REGISTRY)
    return None if value is None else (what, value)


def _delivery(header: dict[str, object]) -> Delivery:
    if header.keys() != _HEADER:
        raise Malformed
    field = exact_json.choice(header["field"], Field)
    if field is Field.RECORD:
        raise Malformed
    return Delivery(
        exact_json.text(header["namespace"], DNS_LABEL),
        exact_json.text(header["name"], DNS_LABEL),
        exact_json.number(header["keyNumber"], 1, MAX_KEY_NUMBER),
        field,
    )
