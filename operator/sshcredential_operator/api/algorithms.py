"""Key algorithms and their sizes, in the words of the API."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Algorithm(StrEnum):
    """The value of `spec.generate.algorithm` and `status.algorithm`."""

    ED25519 = "Ed25519"
    ECDSA = "ECDSA"
    RSA = "RSA"


GENERATED_BITS: Final[dict[Algorithm, tuple[int, ...]]] = {
    Algorithm.ED25519: (256,),
    Algorithm.ECDSA: (256, 384, 521),
    Algorithm.RSA: (3072, 4096),
}
"""Sizes that can be generated; the first is the default."""
