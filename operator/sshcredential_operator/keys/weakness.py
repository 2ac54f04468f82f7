"""Finds RSA keys that anyone can compute from their public half, by the checks of badkeys that need no list of keys.

Used by `judge`. The first RSA key costs 0.1 s and 10 MiB for loading badkeys, a further one less than a millisecond.
"""

from __future__ import annotations

from typing import Final

from sshcredential_operator.keys.private import EcdsaPrivate, PrivateHalf, RsaPrivate

_CHECKS: Final = {
    "roca": "ROCA",
    "fermat": "primes that are close together",
    "smallfactors": "a small factor",
    "sharedprimes": "a prime that other keys have, too",
    "rsapoly": "a modulus with a pattern",
    "pattern": "a modulus with a pattern",
}
"""Of badkeys, without its blocklist, which would have to be downloaded; and what a message calls each."""

_OBVIOUS_BITS: Final = 64
"""A scalar below that is found by trying."""


def weakness_of(private: PrivateHalf) -> str | None:
    """Return in a few words of our own why this key is no secret, or None."""
    if isinstance(private, EcdsaPrivate) and private.scalar.bit_length() <= _OBVIOUS_BITS:
        return "a secret number that can be guessed"
    if not isinstance(private, RsaPrivate):
        return None
    return _words_about(private)


def _words_about(private: RsaPrivate) -> str | None:
    from badkeys.checks import checkrsa  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; costly, so not before an RSA key comes

    found = checkrsa(private.p * private.q, private.e, checks=_CHECKS)
    return next((words for check, words in _CHECKS.items() if check in found), None)
