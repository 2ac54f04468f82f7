"""A value for one recipient: JWE compact (RFC 7516), ECDH-ES+A256KW with X25519 (RFC 8037), A256GCM.

Sealed by the operator for an export with a recipient, opened by `sshcred open`. The protected header says what the
value is, so that it cannot be taken for another one; the opener's strict reader comes before the library.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.exact_json import Malformed
from sshcredential_operator.encryption.place import DNS_LABEL, MAX_KEY_NUMBER, Field

ALG: Final = "ECDH-ES+A256KW"
ENC: Final = "A256GCM"
KEY_SIZE: Final = 32
MAX_TEXT: Final = 72 * 1024
_HEADER: Final = ("alg", "enc", "kid", "namespace", "name", "keyNumber", "field", "epk")
_EPK: Final = {"kty": "OKP", "crv": "X25519"}
_OURS: Final = {"namespace": "str", "name": "str", "keyNumber": "int", "field": "str"}
_REGISTRY: Final = jwe.JWERegistry(
    algorithms=[ALG, ENC],
    header_registry={name: HeaderParameter(name, kind, required=True) for name, kind in _OURS.items()},
)
_LIBRARY_ERRORS: Final = (JoseError, InvalidTag, binascii.Error, ValueError, TypeError)


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
        return _key(self.x).thumbprint()


def recipient_key(x: object) -> RecipientKey | None:
    """Return the key of this `x`; None for another text and for a point that would give everybody the same secret."""
    octets = b64url.decode(x)
    if octets is None or len(octets) != KEY_SIZE:
        return None
    try:  # RFC 7748, section 6.1: a shared secret of zeros is refused
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(octets))
    except ValueError:
        return None
    return RecipientKey(b64url.encode(octets))


def seal_for(recipient: RecipientKey, value: Sensitive, what: Delivery) -> bytes:
    """Return the text of the JWE."""
    header = {
        "alg": ALG,
        "enc": ENC,
        "kid": recipient.kid,
        "namespace": what.namespace,
        "name": what.name,
        "keyNumber": what.key_number,
        "field": what.field.value,
    }
    return jwe.encrypt_compact(header, value.reveal(), _key(recipient.x), registry=_REGISTRY).encode("ascii")


def delivery_of(text: bytes) -> Delivery | None:
    """Return what a sealed value says it is, unproven; None for anything that `seal_for` would not have made."""
    try:
        parts = text.decode("ascii").split(".") if len(text) <= MAX_TEXT else []
        header = b64url.decode(parts[0]) if len(parts) == 5 else None  # noqa: PLR2004 - JWE compact has five parts
        return _delivery(exact_json.read(header or b"", MAX_TEXT))
    except (Malformed, UnicodeDecodeError):
        return None


def open_with(private: Mapping[str, object], text: bytes) -> tuple[Delivery, Sensitive] | None:
    """Open with a private JWK (`kty` OKP, `crv` X25519, `x`, `d`); None when anything does not fit."""
    what = delivery_of(text)
    if what is None or not isinstance(private.get("d"), str):
        return None
    try:
        key = OKPKey.import_key({name: str(private.get(name)) for name in ("kty", "crv", "x", "d")})
        opened = jwe.decrypt_compact(text.decode("ascii"), key, registry=_REGISTRY)
    except _LIBRARY_ERRORS:
        return None
    if opened.headers().get("kid") != key.thumbprint() or opened.plaintext is None:
        return None
    return what, Sensitive(opened.plaintext)


def _delivery(header: object) -> Delivery:
    if not isinstance(header, dict) or sorted(header) != sorted(_HEADER):
        raise Malformed
    epk = header["epk"]
    if (header["alg"], header["enc"]) != (ALG, ENC) or not isinstance(epk, dict):
        raise Malformed
    if {name: value for name, value in epk.items() if name != "x"} != _EPK or recipient_key(epk.get("x")) is None:
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


def _key(x: str) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": x})
