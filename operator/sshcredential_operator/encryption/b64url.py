"""Base64url without padding (RFC 4648 section 5, RFC 7515 section 2), one text for one value. Used by all formats.

Decoders commonly accept several texts for the same bytes; here only the canonical one is accepted, so that no stored
value can be rewritten into another that still opens.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")
_LAST: Final = {0: None, 2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
"""Last characters whose unused bits are zero, by the text's length modulo 4."""


def encode(data: bytes) -> str:
    """Return the text of `data`, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def is_canonical(value: object, size: int | None = None) -> bool:
    """Tell whether `value` is the canonical text of at least one byte, or of exactly `size` bytes."""
    if not isinstance(value, str) or _ALPHABET.fullmatch(value) is None:
        return False
    if size is not None and len(value) != text_length(size):
        return False
    rest = len(value) % 4
    if rest not in _LAST:
        return False
    allowed = _LAST[rest]
    return allowed is None or value[-1] in allowed


def text_length(size: int) -> int:
    """Return how many characters `size` bytes take."""
    return (size * 4 + 2) // 3


def decode(value: object) -> bytes | None:
    """Return the bytes of a canonical text of at least one byte, or None."""
    if not isinstance(value, str) or not is_canonical(value):
        return None
    return binascii.a2b_base64(value.translate(_TO_STANDARD) + "=" * (-len(value) % 4))


_TO_STANDARD: Final = str.maketrans("-_", "+/")
