"""What a process remembers of its own probes of a target: hints, never evidence. Kept by `TargetWorld.memories`.

All that must outlive the process stands in the status. Nothing secret is in here: public keys at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sshcredential_operator.api.names import TargetKey


class Demand(NamedTuple):
    """What asks for a probe at once: the next probe answers it, whatever comes of that."""

    generation: int
    request: str | None
    trusted: str | None
    """The host key that a person takes, where the server shows that one."""
    keys: frozenset[str]
    """Fingerprints of the keys that should log in."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one target."""

    uid: str
    since: datetime
    """When this process first looked at it."""
    jitter: float
    """From 0 up to 1, drawn anew for every probe: what is due keeps its moment from pass to pass."""
    asked: Demand | None = None
    """What the latest probe was made for; None before the first one."""
    failures: int = 0
    """So many probes in a row met passing trouble."""
    failed_at: datetime | None = None
    """When the latest probe was, if something of it is to be tried again."""
    began: datetime | None = None
    """When the latest probe began: a jump host that got through after that, got through after it was asked."""
    ends: datetime | None = None
    """When the first of the previous keys that the latest probe saw is gone."""
    logged_in: Mapping[str, str] = field(default_factory=dict)
    """Public keys that have logged in here, by fingerprint."""


class Memories:
    """One `Memory` for each target. Not thread-safe: it lives in the event loop."""

    def __init__(self) -> None:
        self._of: dict[TargetKey, Memory] = {}

    def of(self, key: TargetKey, uid: str) -> Memory | None:
        """Return what is remembered; nothing of another object that had the same name."""
        memory = self._of.get(key)
        return memory if memory and memory.uid == uid else None

    def keep(self, key: TargetKey, memory: Memory) -> None:
        """Remember this from now on."""
        self._of[key] = memory

    def forget(self, key: TargetKey) -> None:
        """The target is gone."""
        self._of.pop(key, None)
