"""Values for whoever holds one X25519 key: JWE compact (RFC 7516), ECDH-ES+A256KW (RFC 8037), A256GCM.

Used by `recipient.py` (copies that leave the operator) and `sealing.py` (keys that come to it). What a value is stands
in its protected header, so that it cannot be taken for another one. The strict reader here comes before the library.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.exact_json import Malformed

ALG: Final = "ECDH-ES+A256KW"
ENC: Final = "A256GCM"
KEY_SIZE: Final = 32
MAX_TEXT: Final = 72 * 1024
COMMON: Final = frozenset({"alg", "enc", "kid", "epk"})
"""The names of every such header; each kind of value has its own beside them."""

_EPK: Final = {"kty": "OKP", "crv": "X25519"}
_LIBRARY_ERRORS: Final = (JoseError, InvalidTag, binascii.Error, ValueError, TypeError)


def registry(ours: Mapping[str, str]) -> jwe.JWERegistry:
    """Return what the library lets into a header: the common names, and ours with the types of their values."""
    parameters = {name: HeaderParameter(name, kind, required=False) for name, kind in ours.items()}
    return jwe.JWERegistry(algorithms=[ALG, ENC], header_registry=parameters)


def public_octets(x: object) -> bytes | None:
    """Return the 32 octets of a JWK's `x`; None for another text, and for a point that gives all the same secret."""
    octets = b64url.decode(x)
    if octets is None or len(octets) != KEY_SIZE:
        return None
    try:  # RFC 7748, section 6.1: a shared secret of zeros is refused
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(octets))
    except ValueError:
        return None
    return octets


def thumbprint(x: str) -> str:
    """Return a public key's thumbprint (RFC 7638): SHA-256 in base64url."""
    return _public(x).thumbprint()


def encrypt(header: Mapping[str, object], value: Sensitive, x: str, allowed: jwe.JWERegistry) -> bytes:
    """Return the text of the JWE; `header` holds all of the protected header but `alg`, `enc` and `epk`."""
    protected = {"alg": ALG, "enc": ENC, **header}
    return jwe.encrypt_compact(protected, value.reveal(), _public(x), registry=allowed).encode("ascii")


def protected_header(text: bytes) -> dict[str, object]:
    """Return the protected header, unproven, with the common names checked; raise Malformed for anything else."""
    try:
        parts = text.decode("ascii").split(".") if len(text) <= MAX_TEXT else []
    except UnicodeDecodeError:
        raise Malformed from None
    if len(parts) != 5 or not all(map(b64url.is_canonical, parts)):  # noqa: PLR2004 - JWE compact has five parts
        raise Malformed
    header = exact_json.read(b64url.decode(parts[0]) or b"", MAX_TEXT)
    if not isinstance(header, dict) or not header.keys() >= COMMON:
        raise Malformed
    epk = header["epk"]
    if (header["alg"], header["enc"]) != (ALG, ENC) or not isinstance(epk, dict):
        raise Malformed
    if {name: value for name, value in epk.items() if name != "x"} != _EPK or public_octets(epk.get("x")) is None:
        raise Malformed
    return header


def private_jwk(octets: Sensitive) -> dict[str, object]:
    """Return the JWK of a private key's 32 octets."""
    public = X25519PrivateKey.from_private_bytes(octets.reveal()).public_key().public_bytes_raw()
    return {**_EPK, "x": b64url.encode(public), "d": b64url.encode(octets.reveal())}


def decrypt(private: Mapping[str, object], text: bytes, allowed: jwe.JWERegistry) -> Sensitive | None:
    """Open what `protected_header` has read with a private JWK (`kty`, `crv`, `x`, `d`); None when it does not open."""
    if not isinstance(private.get("d"), str):
        return None
    try:
        key = OKPKey.import_key({name: str(private.get(name)) for name in ("kty", "crv", "x", "d")})
        opened = jwe.decrypt_compact(text.decode("ascii"), key, registry=allowed)
    except _LIBRARY_ERRORS:  # their texts are never looked at
        return None
    return None if opened.plaintext is None else Sensitive(opened.plaintext)


def _public(x: str) -> OKPKey:
    return OKPKey.import_key({**_EPK, "x": x})
