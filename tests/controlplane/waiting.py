"""Waits for a condition instead of a time. Used by the control plane, and by every test that has to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

POLL_SECONDS: Final = 0.05

Found = TypeVar("Found")


class TimedOut(AssertionError):
    """A condition did not come true. The text says which."""


def wait_until(condition: Callable[[], Found], what: str, seconds: float = 30) -> Found:
    """Call `condition` until it returns something true, and return that; raise `TimedOut` after this many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimedOut(f"not within {seconds:.0f} s: {what}")
        time.sleep(POLL_SECONDS)
    return found
