"""What one pass over an export knows, as frozen values. Absence and badness are values here, not exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.names import ExportKey
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace, Proof, Source
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.reconcile.observed import RawSecret, SecretSeen
from sshcredential_operator.reconcile.trouble import TroubleError


class SeenCopy(NamedTuple):
    """A Secret that looks like a copy, from the watch of metadata: what it claims, unproven."""

    secret_name: str
    source: Source


@dataclass(frozen=True, slots=True)
class RawCopy:
    """A Secret where a copy is or should be, read live."""

    uid: str
    resource_version: str
    content: CopyContent = field(repr=False)
    proof: str | None = None
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Ours:
    """A copy that this operator made, proven. Its content may have been changed since."""

    raw: RawCopy
    place: CopyPlace
    proof: Proof
    kek: Kek


class Foreign(NamedTuple):
    """A Secret without a valid proof: never overwritten, never deleted."""


class Absent(NamedTuple):
    """There is no such Secret."""


CopySeen = Ours | Foreign | Absent


class HostKeys(NamedTuple):
    """Lines of a known_hosts file that hold."""

    text: str


class ConfigMapLacks(NamedTuple):
    """The ConfigMap, or its key, is not there."""

    config_map: str
    key: str


class TargetLacks(NamedTuple):
    """There is no such SSHTarget; or it knows no host key that is trusted, as far as its spec and status tell."""

    target: str
    exists: bool


class TargetBehind(NamedTuple):
    """Its spec was changed, and what its status tells may be of another server."""

    target: str


class Guarding(NamedTuple):
    """The admission policy and its binding are in force as this operator knows them.

    `identity` names both by uid and generation; `since` is the later of their creations.
    """

    identity: str
    since: str


class Unguarded(NamedTuple):
    """Policy or binding is missing, or says something else."""


class Removed(NamedTuple):
    """A copy that this pass deleted."""

    secret_name: str
    source: Source


HostKeysSeen = HostKeys | BadLine | ConfigMapLacks | TargetLacks | TargetBehind


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that `decide` looks at. `None` for `host_keys` and `policy` means that nobody has looked."""

    key: ExportKey
    now: datetime
    served: bool
    export: Export | None
    rival: str | None = None
    """metadata.name of the older export that has the same Secret."""
    copies: tuple[SeenCopy, ...] = ()
    """What the watch shows of copies that name this export."""
    credential: Credential | None = None
    stored: RawSecret | SecretSeen | None = None
    """The credential's Secret."""
    sealing_key: SealingKey | None = None
    """What values are to be sealed to now; None as long as that is not known."""
    must_be_guarded: bool = True
    """Whether copies are made only under the admission policy."""
    absence_is_live: bool = False
    """That there is no export was read from the API server in this pass."""
    credential_is_live: bool = False
    """The same of the credential."""
    read: Mapping[str, CopySeen] = field(default_factory=dict)
    """Secrets that were read live in this pass, by name."""
    host_keys: HostKeysSeen | None = None
    policy: Guarding | Unguarded | None = None
    written: bool = False
    """This pass wrote the copy."""
    repaired: bool = False
    """And somebody else had changed it, or taken it away."""
    removed: Removed | None = None
    trouble: TroubleError | None = None
