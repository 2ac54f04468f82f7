"""What a pass over an export needs from the world, as small Protocols. `controller` implements them; tests may, too.

Every method may raise `TroubleError`. Every write carries the revision it is based on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.names import ExportKey, Namespace, TargetKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace
from sshcredential_operator.exports.observed import Guarding, RawCopy, SeenCopy, Unguarded
from sshcredential_operator.reconcile.ports import World


class KnownExports(Protocol):
    """What the watches have shown so far, and what this operator wrote since."""

    def export(self, key: ExportKey) -> Export | None: ...
    def rival(self, export: Export, now: datetime) -> str | None: ...
    def copies(self, key: ExportKey) -> tuple[SeenCopy, ...]: ...
    def remember_export(self, key: ExportKey, export: Export | None) -> None: ...
    def wrote(self, place: CopyPlace, proof: str, resource_version: str) -> None:
        """Remember a copy as this operator has just written it, so that its event says nothing new."""


class Exports(Protocol):
    """The SSHCredentialExport objects, live."""

    async def read(self, key: ExportKey) -> Export | None: ...

    async def patch_status(self, export: Export, status: Mapping[str, Any]) -> Export | None:
        """Merge-patch the status of this revision; None when there is a newer one."""


class Copies(Protocol):
    """The Secrets that copies are, live."""

    async def read(self, place: CopyPlace) -> RawCopy | None: ...

    async def create(self, place: CopyPlace, content: CopyContent, proof: str) -> RawCopy | None:
        """POST it; None when a Secret of that name exists."""

    async def replace(self, place: CopyPlace, before: RawCopy, content: CopyContent, proof: str) -> RawCopy | None:
        """Make this revision hold exactly this type's content; None when somebody else was faster."""

    async def delete(self, place: CopyPlace, uid: str, resource_version: str) -> None:
        """Delete exactly this revision; somebody else's change in between leaves it alone."""


class ConfigMaps(Protocol):
    """Where known hosts lie."""

    async def value(self, namespace: Namespace, name: str, key: str) -> str | None: ...


class Targets(Protocol):
    """SSHTargets, whose host keys copies take, live."""

    async def read(self, key: TargetKey) -> Target | None: ...


class Guard(Protocol):
    """The admission policy for exports, live."""

    async def look(self) -> Guarding | Unguarded: ...


class Subject(NamedTuple):
    """Whom an event is about: an export, also one that is gone."""

    key: ExportKey
    uid: str


class ExportAnnouncer(Protocol):
    """Events for people (events.k8s.io). Losing one loses nothing but words."""

    async def announce(self, subject: Subject, event: str, note: str, *, warning: bool, moment: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ExportWorld:
    """All that a pass over an export may touch. `guard` is None where copies are made without an admission policy."""

    credentials: World
    known: KnownExports
    exports: Exports
    copies: Copies
    config_maps: ConfigMaps
    targets: Targets
    guard: Guard | None
    announcer: ExportAnnouncer
