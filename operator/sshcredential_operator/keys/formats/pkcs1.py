"""PKCS#1 RSAPrivateKey (RFC 8017, appendix A.1.2), as in `RSA PRIVATE KEY` and inside PKCS#8."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader
from sshcredential_operator.keys.formats.found import Found
from sshcredential_operator.keys.private import RsaPrivate
from sshcredential_operator.keys.public import rsa_blob
from sshcredential_operator.keys.refusal import Refusal, corrupt

LABEL: Final = "RSA PRIVATE KEY"


def read(der: bytes) -> Found:
    """Return the key in `der`, with two primes."""
    outer = DerReader(der)
    key = outer.sequence()
    outer.end()
    if key.integer() != 0:
        raise Refusal(KeyRefusal.UNSUPPORTED_KEY_TYPE, type="multi-prime RSA")
    modulus, e, d, p, q, d_p, d_q, q_inverse = (key.integer() for _ in range(8))
    key.end()
    if min(p, q) <= 1 or d % (p - 1) != d_p or d % (q - 1) != d_q:
        raise corrupt()
    return Found(RsaPrivate(e, d, p, q, q_inverse), (rsa_blob(e, modulus),))
