"""Public halves in PEM: SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 5480; RFC 8410) and PKCS#1 RSAPublicKey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.keys.der import DerReader, Tag, bit_string
from sshcredential_operator.keys.formats import pkcs8, sec1
from sshcredential_operator.keys.public import ed25519_blob, rsa_blob
from sshcredential_operator.keys.refusal import corrupt


def read(der: bytes) -> bytes:
    """Return the public key in wire form."""
    outer = DerReader(der)
    info = outer.sequence()
    outer.end()
    algorithm, key = info.sequence(), info.element(Tag.BIT_STRING)
    info.end()
    oid = algorithm.oid()
    if oid == pkcs8.RSA:
        return read_rsa(bit_string(key))
    if oid == pkcs8.EC:
        return sec1.point_blob(sec1.named_curve(algorithm.rest()), key)
    if oid == pkcs8.ED25519:
        return ed25519_blob(bit_string(key))
    raise corrupt()


def read_rsa(der: bytes) -> bytes:
    """Return an RSAPublicKey (RFC 8017, appendix A.1.1) in wire form."""
    outer = DerReader(der)
    key = outer.sequence()
    outer.end()
    modulus, exponent = key.integer(), key.integer()
    key.end()
    return rsa_blob(exponent, modulus)


READERS: Final[dict[str, Callable[[bytes], bytes]]] = {"PUBLIC KEY": read, "RSA PUBLIC KEY": read_rsa}
"""By their label."""
