"""Durations as the API writes them: `168h`, `1h30m`, `0s`. Used by `api/spec.py` and by whoever waits that long.

The grammar is the part of Go's durations without fractions and small units, in Go's own order; the CRD holds the same
pattern and the same limit, and a contract test keeps them equal.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final

DURATION_PATTERN: Final = "([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?"
"""What the whole text has to match, besides not being empty. Digits are few enough that Go cannot overflow."""

LONGEST_DURATION: Final = timedelta(hours=87600)
"""Ten years. A longer one is more likely a slip than a wish."""

_SHAPE: Final = re.compile(DURATION_PATTERN)


@lru_cache(maxsize=256)  # few are ever in use, and every credential has three of them
def parse_duration(text: str) -> timedelta | None:
    """Return the duration, or None for a text that the CRD refuses too."""
    match = _SHAPE.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return duration if duration <= LONGEST_DURATION else None
