"""SEC 1 ECPrivateKey (RFC 5915), as in `EC PRIVATE KEY` and inside PKCS#8."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader, Tag, bit_string
from sshcredential_operator.keys.formats.found import Found
from sshcredential_operator.keys.private import EcdsaPrivate
from sshcredential_operator.keys.public import P256, P384, P521, Curve, ecdsa_blob
from sshcredential_operator.keys.refusal import Refusal, corrupt

LABEL: Final = "EC PRIVATE KEY"
PARAMETERS_LABEL: Final = "EC PARAMETERS"

_CURVES: Final = {"1.2.840.10045.3.1.7": P256, "1.3.132.0.34": P384, "1.3.132.0.35": P521}
_OTHER_CURVES: Final = {
    "1.2.840.10045.3.1.1": "P-192",
    "1.3.132.0.33": "P-224",
    "1.3.132.0.10": "secp256k1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}


def read(der: bytes, outer_curve: Curve | None = None) -> Found:
    """Return the key in `der`. Inside PKCS#8 the curve is named outside, and again inside or not."""
    outer = DerReader(der)
    key = outer.sequence()
    outer.end()
    if key.integer() != 1:
        raise corrupt()
    scalar = int.from_bytes(key.octets(), "big")
    parameters, public = key.optional(Tag.CONTEXT_0), key.optional(Tag.CONTEXT_1)
    key.end()
    curve = outer_curve if parameters is None else named_curve(parameters)
    if curve is None or (outer_curve is not None and curve != outer_curve):
        raise corrupt()
    claims = () if public is None else (_claim(curve, public),)
    return Found(EcdsaPrivate(curve, scalar), claims)


def named_curve(parameters: bytes) -> Curve:
    """Return the curve that ECParameters (RFC 5480, section 2.1.1) name, or raise the Refusal of one that SSH lacks."""
    reader = DerReader(parameters)
    if reader.peek() == Tag.SEQUENCE:
        raise Refusal(KeyRefusal.UNSUPPORTED_CURVE, curve="explicit parameters")
    oid = reader.oid()
    reader.end()
    if (curve := _CURVES.get(oid)) is not None:
        return curve
    if (name := _OTHER_CURVES.get(oid)) is not None:
        raise Refusal(KeyRefusal.UNSUPPORTED_CURVE, curve=name)
    raise Refusal(KeyRefusal.UNSUPPORTED_CURVE)


def point_blob(curve: Curve, content: bytes) -> bytes:
    """Return the wire form of the public key whose point is the content of a BIT STRING."""
    return ecdsa_blob(curve, _point(curve, bit_string(content)))


def _claim(curve: Curve, public: bytes) -> bytes:
    reader = DerReader(public)
    content = reader.element(Tag.BIT_STRING)
    reader.end()
    return point_blob(curve, content)


def _point(curve: Curve, point: bytes) -> bytes:
    """Return the public point in uncompressed form (SEC 1, section 2.3.3), as SSH writes it."""
    form, octets = point[:1], curve.octets
    if form in {b"\x04", b"\x06", b"\x07"} and len(point) == 1 + 2 * octets:
        return b"\x04" + point[1:]
    if form not in {b"\x02", b"\x03"} or len(point) != 1 + octets:
        raise corrupt()
    try:
        numbers = ec.EllipticCurvePublicKey.from_encoded_point(curve.implementation, point).public_numbers()
    except ValueError:
        raise corrupt() from None
    return b"\x04" + numbers.x.to_bytes(octets, "big") + numbers.y.to_bytes(octets, "big")
