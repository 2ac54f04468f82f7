"""What one pass finds out about a target, as frozen values. Made by `waits`, `plan` and `probe`, read by `judge`.

No private key and no password is in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_status import RetiredKey
from sshcredential_operator.ssh.visit import Arranged, Failed, Queried, Visited


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason, with the facts of its text."""

    reason: TargetReason
    facts: Mapping[str, str | int] = field(default_factory=dict)


class PublicHalf(NamedTuple):
    """A key of the credential."""

    fingerprint: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the visits of one probe brought."""

    current: PublicHalf
    next: PublicHalf | None
    previous: tuple[PublicHalf, ...]
    """Those that are not over."""
    logins: Mapping[str, Visited | Failed] = field(default_factory=dict)
    """Of the keys that should log in, by fingerprint. One that was not tried is not in it."""
    arranged: Arranged | Failed | None = None
    """None where authorized_keys is left to others."""
    retired: tuple[RetiredKey, ...] = ()
    """Keys that once logged in and should log in no more, newest first; those in their overlap too."""
    asked: frozenset[str] = frozenset()
    """Those of them that the server was to be asked for."""
    queried: Queried | Failed | None = None

    @property
    def wanted(self) -> tuple[PublicHalf, ...]:
        """The keys that should log in."""
        return (self.current, self.next) if self.next else (self.current,)
