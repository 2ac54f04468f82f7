"""Public halves in their wire form (RFC 4253, section 6.6; RFC 5656; RFC 8709): read strictly, and composed.

Used for what an encrypted file shows, for what a private key derives, and for what a pool worker answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.verdict import MAX_RSA_BITS
from sshcredential_operator.keys.wire import WireReader, mpint, string

ED25519_TYPE: Final = b"ssh-ed25519"
RSA_TYPE: Final = b"ssh-rsa"
ECDSA_TYPE: Final = b"ecdsa-sha2-"
_CERTIFICATE: Final = b"-cert-v01@openssh.com"
_ED25519_BYTES: Final = 32
_UNCOMPRESSED: Final = b"\x04"
_MIN_EXPONENT: Final = 3
_MAX_EXPONENT_BITS: Final = 64


class Curve(NamedTuple):
    """One of the three curves that SSH uses: its name there (RFC 5656, section 10.1) and cryptography's object."""

    name: bytes
    implementation: ec.EllipticCurve

    @property
    def bits(self) -> int:
        """Size of a coordinate in bits."""
        return self.implementation.key_size

    @property
    def octets(self) -> int:
        """Size of a coordinate in bytes."""
        return (self.bits + 7) // 8


P256: Final = Curve(b"nistp256", ec.SECP256R1())
P384: Final = Curve(b"nistp384", ec.SECP384R1())
P521: Final = Curve(b"nistp521", ec.SECP521R1())
CURVES: Final = {curve.name: curve for curve in (P256, P384, P521)}


def ed25519_blob(public: bytes) -> bytes:
    """Return the wire form of an Ed25519 public key of 32 bytes."""
    return string(ED25519_TYPE) + string(public)


def ecdsa_blob(curve: Curve, point: bytes) -> bytes:
    """Return the wire form of an ECDSA public key; `point` is uncompressed."""
    return string(ECDSA_TYPE + curve.name) + string(curve.name) + string(point)


def rsa_blob(exponent: int, modulus: int) -> bytes:
    """Return the wire form of an RSA public key."""
    return string(RSA_TYPE) + mpint(exponent) + mpint(modulus)


def rsa_exponent(blob: bytes) -> int:
    """Return the public exponent of an RSA key in wire form."""
    reader = WireReader(blob)
    reader.string()
    return reader.mpint()


def public_key(blob: bytes, comment: str = "") -> PublicKey:
    """Return the key that `blob` describes, or raise the Refusal of a kind that is not taken."""
    reader = WireReader(blob)
    key_type = reader.string()
    algorithm, bits_of = _kind(key_type)
    bits = bits_of(reader)
    reader.end()
    return PublicKey(algorithm, bits, blob, comment)


def refused_type(key_type: bytes) -> Refusal:
    """Return why a key of this SSH type, which is not one of ours, is refused."""
    if key_type.endswith(_CERTIFICATE):
        return Refusal(KeyRefusal.CERTIFICATE)
    if key_type.startswith((b"sk-", b"webauthn-sk-")):
        return Refusal(KeyRefusal.HARDWARE_KEY)
    if key_type == b"ssh-dss":
        return Refusal(KeyRefusal.DSA_KEY)
    if key_type.startswith(ECDSA_TYPE):
        return Refusal(KeyRefusal.UNSUPPORTED_CURVE)
    return Refusal(KeyRefusal.UNSUPPORTED_KEY_TYPE)


def _kind(key_type: bytes) -> tuple[Algorithm, Callable[[WireReader], int]]:
    if key_type == ED25519_TYPE:
        return Algorithm.ED25519, _ed25519_bits
    if key_type == RSA_TYPE:
        return Algorithm.RSA, _rsa_bits
    curve = CURVES.get(key_type.removeprefix(ECDSA_TYPE))
    if curve is None or not key_type.startswith(ECDSA_TYPE):
        raise refused_type(key_type)
    return Algorithm.ECDSA, lambda reader: _ecdsa_bits(reader, curve)


def _ed25519_bits(reader: WireReader) -> int:
    if len(reader.string()) != _ED25519_BYTES:
        raise corrupt()
    return 8 * _ED25519_BYTES


def _ecdsa_bits(reader: WireReader, curve: Curve) -> int:
    name, point = reader.string(), reader.string()
    if name != curve.name or point[:1] != _UNCOMPRESSED or len(point) != 1 + 2 * curve.octets:
        raise corrupt()
    return curve.bits


def _rsa_bits(reader: WireReader) -> int:
    """Return the modulus' size; what is too large is refused here, so that nobody computes with it."""
    exponent, bits = reader.mpint(), reader.mpint().bit_length()
    if bits > MAX_RSA_BITS:
        raise Refusal(KeyRefusal.RSA_TOO_LARGE, bits=bits, most=MAX_RSA_BITS)
    if exponent < _MIN_EXPONENT or not exponent & 1:
        raise corrupt()
    if exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise Refusal(KeyRefusal.UNSUPPORTED_KEY_TYPE)
    return bits
