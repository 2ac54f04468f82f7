"""Private halves as numbers, and the proof that they belong to the public halves that a file claims.

Made by the formats and by `generate`; written by `openssh`. Nothing here shows its numbers.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.public import Curve, ecdsa_blob, ed25519_blob, rsa_blob
from sshcredential_operator.keys.refusal import Refusal, corrupt

_MILLER_RABIN_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True, repr=False)
class Ed25519Private:
    """The 32 bytes that RFC 8032 calls the private key."""

    seed: bytes

    def public_blob(self) -> bytes:
        """Return the public half that these bytes give."""
        key = ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)
        return ed25519_blob(key.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True, repr=False)
class EcdsaPrivate:
    """The secret scalar and its curve."""

    curve: Curve
    scalar: int

    def public_blob(self) -> bytes:
        """Return the public half that the scalar gives."""
        if not 0 < self.scalar < self.curve.implementation.group_order:
            raise corrupt()
        numbers = ec.derive_private_key(self.scalar, self.curve.implementation).public_key().public_numbers()
        octets = self.curve.octets
        return ecdsa_blob(self.curve, b"\x04" + numbers.x.to_bytes(octets, "big") + numbers.y.to_bytes(octets, "big"))


@dataclass(frozen=True, slots=True, repr=False)
class RsaPrivate:
    """Public and private exponent, the two primes, and q's inverse modulo p (RFC 8017, section 3.2)."""

    e: int
    d: int
    p: int
    q: int
    q_inverse: int

    def public_blob(self) -> bytes:
        """Return the public half that the primes give."""
        return rsa_blob(self.e, self.p * self.q)

    def consistent(self) -> bool:
        """Tell whether the exponents and the inverse fit the primes, believing that they are primes."""
        p, q = self.p, self.q
        return (
            min(p, q) > 1
            and 1 < self.d < p * q
            and (self.e * self.d) % (p - 1) == 1
            and (self.e * self.d) % (q - 1) == 1
            and 0 < self.q_inverse < p
            and self.q_inverse * q % p == 1
        )

    def primes_hold(self) -> bool:
        """Tell whether both primes pass Miller-Rabin; costs less than a tenth of a second for 8192 bits."""
        return all(_probably_prime(number) for number in (self.p, self.q))


PrivateHalf = Ed25519Private | EcdsaPrivate | RsaPrivate


def proven_blob(private: PrivateHalf, claims: tuple[bytes, ...]) -> bytes:
    """Return the public half, in wire form, that `private` gives; each of `claims` must be the same. Cheap."""
    if isinstance(private, RsaPrivate) and not private.consistent():
        raise corrupt()
    blob = private.public_blob()
    if any(claim != blob for claim in claims):
        raise Refusal(KeyRefusal.PUBLIC_PRIVATE_MISMATCH)
    return blob


def _probably_prime(number: int) -> bool:
    """Miller-Rabin (FIPS 186-5, B.3.1) with random bases."""
    import gmpy2  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; eight times as fast, and not for the operator's process

    if number < 5 or not number & 1:  # noqa: PLR2004 - so small a number is no RSA prime
        return False
    bases = [secrets.randbelow(number - 3) + 2 for _ in range(_MILLER_RABIN_ROUNDS)]
    return all(math.gcd(number, base) == 1 and gmpy2.is_strong_prp(number, base) for base in bases)
