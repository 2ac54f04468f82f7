"""The one moment at which a visit ends, whatever it was waiting for. Made by `client.py`, asked by all that waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the moment so many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds that are left, never less than 0."""
        return max(0.0, self.at - time.monotonic())

    def passed(self) -> bool:
        """Tell whether nothing is left."""
        return time.monotonic() >= self.at
