"""New key pairs and passphrases. Blocking: an RSA key takes seconds, in which other threads run."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.keys.openssh import key_pair, shown_comment
from sshcredential_operator.keys.private import EcdsaPrivate, Ed25519Private, PrivateHalf, RsaPrivate, proven_blob
from sshcredential_operator.keys.public import P256, P384, P521, Curve

_CURVE_OF: Final[dict[int, Curve]] = {curve.bits: curve for curve in (P256, P384, P521)}
_PUBLIC_EXPONENT: Final = 65537

_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz"
_SYMBOLS: Final = _LETTERS + "23456789"
_GROUPS: Final = 7
_GROUP: Final = 4


def generate(algorithm: Algorithm, bits: int, comment: str) -> KeyPair:
    """Return a new key pair.

    `bits` is one of `GENERATED_BITS[algorithm]` and `comment` one line of printable ASCII without blanks at its ends,
    both checked by the caller; a ValueError of our own text is the answer to a caller that did not.
    """
    if bits not in GENERATED_BITS[algorithm]:
        raise ValueError("keys of this algorithm are not generated in this size")
    if not comment.isascii() or shown_comment(comment.encode("ascii")) != comment:
        raise ValueError("the comment is not one short line of printable ASCII")
    private = _new_private(algorithm, bits)
    return key_pair(private, proven_blob(private, ()), comment)


def generate_passphrase() -> Sensitive:
    """Return a passphrase with 139 bits of entropy that needs no quoting in YAML or in a shell and is easy to read out.

    Groups of four lower-case letters and digits, without those that look alike; the first symbol is a letter.
    """
    symbols = secrets.choice(_LETTERS) + "".join(secrets.choice(_SYMBOLS) for _ in range(_GROUPS * _GROUP - 1))
    groups = (symbols[start : start + _GROUP] for start in range(0, len(symbols), _GROUP))
    return Sensitive("-".join(groups).encode("ascii"))


def _new_private(algorithm: Algorithm, bits: int) -> PrivateHalf:
    match algorithm:
        case Algorithm.ED25519:
            return Ed25519Private(ed25519.Ed25519PrivateKey.generate().private_bytes_raw())
        case Algorithm.ECDSA:
            curve = _CURVE_OF[bits]
            return EcdsaPrivate(curve, ec.generate_private_key(curve.implementation).private_numbers().private_value)
        case Algorithm.RSA:
            numbers = rsa.generate_private_key(_PUBLIC_EXPONENT, bits).private_numbers()
            return RsaPrivate(_PUBLIC_EXPONENT, numbers.d, numbers.p, numbers.q, numbers.iqmp)
