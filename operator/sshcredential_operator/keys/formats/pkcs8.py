"""PKCS#8 PrivateKeyInfo (RFC 5208) and OneAsymmetricKey (RFC 5958), as in `PRIVATE KEY`."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader, Tag, bit_string
from sshcredential_operator.keys.formats import pkcs1, sec1
from sshcredential_operator.keys.formats.found import Found
from sshcredential_operator.keys.private import Ed25519Private
from sshcredential_operator.keys.public import ed25519_blob
from sshcredential_operator.keys.refusal import Refusal, corrupt

LABEL: Final = "PRIVATE KEY"

RSA: Final = "1.2.840.113549.1.1.1"
EC: Final = "1.2.840.10045.2.1"
ED25519: Final = "1.3.101.112"
_REFUSED: Final = {"1.2.840.10040.4.1": KeyRefusal.DSA_KEY, "1.2.840.113549.1.1.10": KeyRefusal.RSA_PSS_KEY}
_OTHER_TYPES: Final = {
    "1.2.840.113549.1.3.1": "DH",
    "1.2.840.10046.2.1": "DH",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA",
    "2.16.840.1.101.3.4.3.18": "ML-DSA",
    "2.16.840.1.101.3.4.3.19": "ML-DSA",
    "2.16.840.1.101.3.4.4.1": "ML-KEM",
    "2.16.840.1.101.3.4.4.2": "ML-KEM",
    "2.16.840.1.101.3.4.4.3": "ML-KEM",
}
_VERSIONS: Final = (0, 1)
_SEED_BYTES: Final = 32


def read(der: bytes) -> Found:
    """Return the key in `der`, or raise the Refusal of a kind that SSH does not have."""
    outer = DerReader(der)
    info = outer.sequence()
    outer.end()
    if info.integer() not in _VERSIONS:
        raise corrupt()
    algorithm, key = info.sequence(), info.octets()
    info.optional(Tag.CONTEXT_0)
    public = info.optional(Tag.PRIMITIVE_1)
    info.end()
    oid = algorithm.oid()
    if oid == RSA:
        return pkcs1.read(key)
    if oid == EC:
        return sec1.read(key, sec1.named_curve(algorithm.rest()))
    if oid == ED25519:
        return _ed25519(key, public)
    raise _refused_type(oid)


def _ed25519(key: bytes, public: bytes | None) -> Found:
    """Read the CurvePrivateKey of RFC 8410, section 7."""
    reader = DerReader(key)
    seed = reader.octets()
    reader.end()
    if len(seed) != _SEED_BYTES:
        raise corrupt()
    return Found(Ed25519Private(seed), () if public is None else (ed25519_blob(bit_string(public)),))


def _refused_type(oid: str) -> Refusal:
    if (reason := _REFUSED.get(oid)) is not None:
        return Refusal(reason)
    if (name := _OTHER_TYPES.get(oid)) is not None:
        return Refusal(KeyRefusal.UNSUPPORTED_KEY_TYPE, type=name)
    return Refusal(KeyRefusal.UNSUPPORTED_KEY_TYPE)
