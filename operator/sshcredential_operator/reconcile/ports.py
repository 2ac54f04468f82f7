"""What a pass needs from the world, as small Protocols. `controller` implements them; tests may, too.

Every method may raise `TroubleError`. Every write carries the resourceVersion it is based on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.observed import (
    NO_TARGETS,
    RawSecret,
    SealingKeyGone,
    SecretSeen,
    Targets,
    Unseen,
    Use,
)
from sshcredential_operator.reconcile.trouble import TroubleError


class Known(Protocol):
    """What the watches have shown so far, and what this operator wrote since."""

    def credential(self, key: CredentialKey) -> Credential | None: ...
    def secret(self, key: CredentialKey) -> RawSecret | SecretSeen | None: ...
    def rival(self, credential: Credential) -> str | None: ...
    def trouble(self, key: CredentialKey) -> TroubleError | None: ...
    def remember_secret(self, key: CredentialKey, secret: RawSecret | SecretSeen | None) -> bool: ...
    def remember_credential(self, key: CredentialKey, credential: Credential | None) -> bool: ...


class Secrets(Protocol):
    """The credentials' own Secrets, live."""

    async def read(self, key: CredentialKey) -> RawSecret | None: ...

    async def create(self, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
        """Return what was created (without data), None when a Secret of that name exists."""

    async def patch(
        self,
        key: CredentialKey,
        uid: str,
        resource_version: str,
        *,
        data: Mapping[str, bytes | None],
        orphaned_since: str | None,
    ) -> str | None:
        """Set values (None takes one away) and the orphan mark.

        Return the new resourceVersion, None when somebody else was faster.
        """

    async def delete(self, key: CredentialKey, uid: str, resource_version: str) -> None:
        """Delete exactly this revision; somebody else's change in between leaves it alone."""


class Credentials(Protocol):
    """The SSHCredential objects, live."""

    async def read(self, key: CredentialKey) -> Credential | None: ...

    async def patch_status(self, credential: Credential, status: Mapping[str, Any]) -> Credential | None:
        """Merge-patch the status of this revision; None when there is a newer one."""


class Inputs(Protocol):
    """Secrets that users give keys in. They are read only for a key, and watched only while somebody waits."""

    async def read(self, namespace: Namespace, secret_name: str) -> Mapping[str, bytes] | None: ...

    def watch(self, key: CredentialKey, secret_names: frozenset[str]) -> None:
        """Look at this credential again when one of these Secrets of its namespace changes; the empty set ends it."""

    def present(self, namespace: Namespace, secret_name: str) -> bool | None:
        """Whether the Secret exists; None as long as nobody watches it."""


class Workspaces(Protocol):
    """The workspaces' key-encryption keys."""

    async def kek_for_writing(self, namespace: Namespace) -> Kek: ...
    async def kek(self, key_id: str, namespace: Namespace) -> Kek | None: ...


class Sealing(Protocol):
    """The operator's own sealing keys."""

    def newest(self) -> SealingKey | None:
        """Return the key that values should be sealed to now; None as long as that is not known."""

    async def private_half(self, kid: str) -> Sensitive | SealingKeyGone:
        """Return the private half, 32 octets. One read; nothing is kept."""


class KeyWork(Protocol):
    """The costly work on keys: in threads and limited processes, bounded."""

    def has_place(self, key: CredentialKey) -> bool:
        """Whether this pass may do costly work. One that may not ends and asks for a pass that may."""

    async def generate(self, wanted: Generate) -> tuple[KeyPair, Sensitive | None]: ...
    async def judge(
        self, file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int
    ) -> Accepted | Refused: ...


class Announcer(Protocol):
    """Events for people (events.k8s.io). Losing one loses nothing but words."""

    async def announce(self, credential: Credential, event: str, note: str, *, warning: bool, moment: str) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """All that a pass may touch."""

    known: Known
    secrets: Secrets
    credentials: Credentials
    inputs: Inputs
    workspaces: Workspaces
    sealing: Sealing
    keys: KeyWork
    announcer: Announcer
    operator_namespace: Namespace
    now: Callable[[], datetime]
    """The wall clock in UTC. Only for times that people read and for grace periods."""
    policies: Policies = field(default_factory=Policies)
    strict_seals_only: bool = False
    """Whether sealed values have to be for one credential by name."""
    use: Callable[[CredentialKey], Use | None] = lambda _: None
    """Which exports use a credential; None as long as that cannot be told."""
    rewrap: Callable[[CredentialKey], Rewrap | None] = lambda _: None
    """The KEK that a credential's Secret is to be under, while it is that one's turn."""
    targets: Callable[[CredentialKey], Targets | Unseen] = lambda _: NO_TARGETS
    """Which SSHTargets use a credential, and which of its keys they let in."""
