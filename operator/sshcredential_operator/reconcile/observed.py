"""What one pass knows, as frozen values. Absence and badness are values here, not exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.policy import Policy
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.status import User
from sshcredential_operator.encryption.credential_secret import Unreadable
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.reconcile.trouble import TroubleError


@dataclass(frozen=True, slots=True)
class RawSecret:
    """A Secret as the API server gave it; `data` holds the decoded values."""

    uid: str
    resource_version: str
    type: str
    data: Mapping[str, bytes]
    orphaned_since: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Our Secret, opened and verified; no ciphertext and no plaintext is kept."""

    uid: str
    resource_version: str
    record: Record
    key_id: str
    orphaned_since: datetime | None = None
    made_for: str | None = None
    """uid of the credential that this process made it for, until its status says so."""
    mixed: bool = False
    """Whether a value is under another KEK than the record."""


@dataclass(frozen=True, slots=True)
class Unopened:
    """A Secret of our type and name that does not open."""

    uid: str
    resource_version: str
    why: Unreadable


@dataclass(frozen=True, slots=True)
class Foreign:
    """A Secret with our name and another type: not ours, never touched."""

    resource_version: str


SecretSeen = Stored | Unopened | Foreign


@dataclass(frozen=True, slots=True)
class InputSecretMissing:
    """The Secret that spec.importFrom names does not exist."""

    secret_name: str


@dataclass(frozen=True, slots=True)
class InputKeyMissing:
    """The Secret exists, without the key that spec.importFrom names."""

    secret_name: str
    key: str


class SealingKeyGone(Enum):
    """Why a sealing key opens nothing."""

    UNKNOWN = "unknown"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SealRefused:
    """Why spec.sealed gives no key: a reason with its facts."""

    reason: Reason
    facts: Mapping[str, str | int]


Input = Accepted | Refused | InputSecretMissing | InputKeyMissing | SealRefused


class Use(NamedTuple):
    """Which exports use a credential, and whether a plain copy of its key exists."""

    users: tuple[User, ...]
    exported: bool


class Door(NamedTuple):
    """A target whose spec.credentialRef names the credential, and the keys that it let in as it is now."""

    name: str
    fingerprints: frozenset[str]


class Targets(NamedTuple):
    """The SSHTargets of a credential, those that are being deleted left out."""

    doors: tuple[Door, ...] = ()
    bootstraps: tuple[str, ...] = ()
    """Names of those that only install their own key with it: they use it, and hold no promotion."""


NO_TARGETS: Final = Targets()


class Unseen(Enum):
    """Why nobody can tell which targets name a credential."""

    NOT_LISTED = "not listed yet"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that `decide` looks at. `None` for `input` means that it was not read in this pass."""

    key: CredentialKey
    now: datetime
    served: bool
    credential: Credential | None
    rival: str | None
    """metadata.name of the credential that holds our spec.name, if another one does."""
    secret: SecretSeen | None
    policy: Policy = field(default_factory=Policy)
    """What new keys of this workspace may be."""
    secret_is_live: bool = False
    """The Secret, or its absence, was read from the API server in this pass and does not come from the watch."""
    credential_is_live: bool = False
    """The credential, or its absence, was read from the API server in this pass and does not come from the watch."""
    use: Use | None = None
    """By exports; None: that cannot be told yet."""
    targets: Targets | Unseen = NO_TARGETS
    sealed: Seal | SealRefused | None = None
    """What spec.sealed says it is, read without any key; None: there is no spec.sealed."""
    reseal_recommended: bool | None = None
    """Whether spec.sealed is sealed to an older key than the newest; None: that is not known."""
    input: Input | None = None
    input_present: bool | None = None
    """Whether the input Secret exists, as far as somebody watches it."""
    created: bool = False
    """This pass created the Secret."""
    destroyed: bool = False
    ended: tuple[str, ...] = ()
    """Fingerprints of the previous keys that this pass destroyed."""
    rewrap: Rewrap | None = None
    """The KEK that the Secret is to be under, while it is this one's turn."""
    trouble: TroubleError | None = None
