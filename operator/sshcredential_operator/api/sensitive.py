"""Bytes that must never be shown: private keys, passphrases, key-encryption keys. Used by every layer.

Python cannot wipe `bytes`; this type only makes showing them an explicit act that is easy to find in a review.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, final


@final
class Sensitive:
    """Holds secret bytes; `repr`, `str` and formatting give `***`, pickling is refused, `reveal()` gives the bytes."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes. Every call is a place to look at in a review."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensitive) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash in a dictionary would tell equal secrets apart in constant view

    def __reduce__(self) -> NoReturn:
        msg = "a Sensitive value is never pickled"
        raise TypeError(msg)
