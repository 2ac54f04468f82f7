"""The Lease as the election sees it: one revision, and the port to it, which `lease_api.py` implements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

LEASE_SECONDS: Final = 10.0
"""So long an unchanged Lease keeps others from taking it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One revision. `holder` is empty when it was given up; `seconds` is what the holder asks for, `raw` everything."""

    version: str
    holder: str
    seconds: float
    raw: Mapping[str, Any]


class Leases(Protocol):
    """The one Lease, live. Every method may raise TroubleError."""

    async def read(self) -> Lease | None:
        """Return the Lease, or None when there is none."""

    async def create(self, holder: str) -> Lease | None:
        """Return what was created, None when it exists."""

    async def update(self, lease: Lease, holder: str) -> Lease | None:
        """Renew, take or (with an empty holder) give up this revision; None when there is a newer one, or none."""

    def watch(self, since: Lease) -> AbstractAsyncContextManager[AsyncIterator[Lease | None]]:
        """Follow the Lease from this revision on; None stands for its deletion. Ends when the watch breaks."""
