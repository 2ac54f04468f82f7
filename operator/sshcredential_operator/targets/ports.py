"""What a pass over a target needs from the world, as small Protocols. `controller/targets` implements them.

Every method but those of `known`, and of `Visits`, may raise `TroubleError`. Every write carries the revision it is
based on. Visits to servers have a port of their own in `visits.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey, Namespace, TargetKey
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import SecretKeyRef
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.visit import PrivateKey
from sshcredential_operator.targets.memory import Memories
from sshcredential_operator.targets.visits import Visits


class KnownTargets(Protocol):
    """What the watches have shown so far, and what this process wrote since. Complete before the first pass is made."""

    def target(self, key: TargetKey) -> Target | None: ...
    def credential(self, key: CredentialKey) -> Credential | None: ...
    def remember_target(self, key: TargetKey, target: Target | None) -> None:
        """Keep what a live read or a write of ours has shown, until the watch shows something newer."""


class Targets(Protocol):
    """The SSHTarget objects, live."""

    async def read(self, key: TargetKey) -> Target | None: ...

    async def patch_status(self, target: Target, status: Mapping[str, Any]) -> Target | None:
        """Merge-patch the status of this revision; None when there is a newer one, or none."""


class StoredKey(NamedTuple):
    """One key of a credential: the half to log in with, and the public one, `type base64 [comment]`."""

    private: PrivateKey
    public_key: str
    until: datetime | None = None
    """Of a previous key: when its time is over."""

    @property
    def fingerprint(self) -> str:
        """SHA256 fingerprint."""
        return self.private.fingerprint


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The keys of a credential as its Secret holds them. Lives as long as one probe, and is kept nowhere."""

    credential_id: str
    key_number: int
    """Of the current key."""
    current: StoredKey
    next: StoredKey | None = None
    previous: tuple[StoredKey, ...] = ()
    """All that the record has, those too whose time is over and that are about to be destroyed."""


class Unavailable(NamedTuple):
    """The keys cannot be had: CREDENTIAL_NOT_READY (no Secret, or it does not open) or KEY_UNAVAILABLE (its KEK)."""

    reason: TargetReason


class CredentialKeys(Protocol):
    """The credentials' own Secrets, read live and opened for one probe."""

    async def keys(self, key: CredentialKey) -> StoredKeys | Unavailable: ...


class Passwords(Protocol):
    """Secrets with a password to log in with until the key is installed, live."""

    async def password(self, namespace: Namespace, ref: SecretKeyRef) -> Sensitive | None:
        """Return the password; None where the Secret or its key is missing, or the value is empty."""


class ConfigMaps(Protocol):
    """Where known hosts lie, live."""

    async def value(self, namespace: Namespace, name: str, key: str) -> str | None: ...


class TargetGuard(Protocol):
    """The admission policy for targets, live."""

    async def in_force(self) -> bool:
        """Whether policy and binding are there, with the content that this operator knows."""
        ...


class TargetAnnouncer(Protocol):
    """Events for people (events.k8s.io). Losing one loses nothing but words: it never raises."""

    async def announce(self, target: Target, event: str, note: str, *, warning: bool, moment: str) -> None: ...


@dataclass(frozen=True, slots=True)
class TargetWorld:
    """All that a pass over a target may touch. `guard` is None where targets are followed without the policy."""

    known: KnownTargets
    targets: Targets
    keys: CredentialKeys
    passwords: Passwords
    config_maps: ConfigMaps
    visits: Visits
    guard: TargetGuard | None
    announcer: TargetAnnouncer
    operator_namespace: Namespace
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    """From 0 up to 1."""
    memories: Memories
    """Hints of this process; its maker forgets a target that is gone."""
