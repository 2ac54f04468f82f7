"""What the watches have shown of exports and their copies, and what this operator wrote since.

Fed by `shell.py` and `copies.py`, read by passes over exports as `KnownExports`, and by passes over credentials for who
uses them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec, Profile, TargetKnownHosts
from sshcredential_operator.api.names import EXPORT_KIND, CredentialKey, ExportKey, Namespace, TargetKey
from sshcredential_operator.api.status import User
from sshcredential_operator.controller.store import Scope, is_later
from sshcredential_operator.encryption.copy_proof import CopyPlace, Source, parse_proof
from sshcredential_operator.exports.observed import SeenCopy
from sshcredential_operator.reconcile.observed import Use


class _Claim(NamedTuple):
    """A copy as its metadata show it: what it says, unproven."""

    resource_version: str
    source: Source


class ExportStore:
    """Known exports and copies. Not thread-safe: it lives in the event loop."""

    def __init__(self) -> None:
        self._exports: dict[ExportKey, Export] = {}
        self._of_credential: defaultdict[CredentialKey, set[ExportKey]] = defaultdict(set)
        self._of_secret: defaultdict[CopyPlace, set[ExportKey]] = defaultdict(set)
        self._copies: dict[CopyPlace, _Claim] = {}
        self._of_export: defaultdict[ExportKey, set[CopyPlace]] = defaultdict(set)
        self._exports_listed: set[Scope] = set()
        self._copies_listed: set[Scope] = set()

    # --- what passes read (the port `KnownExports`)

    def export(self, key: ExportKey) -> Export | None:
        """The export, or None if there is none that we know of."""
        return self._exports.get(key)

    def rival(self, export: Export, now: datetime) -> str | None:
        """Return who has this export's Secret instead: the older has it, then the smaller uid."""
        place = _place(export)
        if place is None:
            return None
        claimants = [self._exports[key] for key in self._of_secret.get(place, ())]
        holder = min(
            (one for one in claimants if not one.deleting and not one.has_expired(now)), key=_precedence, default=export
        )
        return None if holder.key == export.key or _precedence(export) < _precedence(holder) else holder.key.name

    def copies(self, key: ExportKey) -> tuple[SeenCopy, ...]:
        """Return the Secrets that say they are copies of this export."""
        places = sorted(self._of_export.get(key, ()))
        return tuple(SeenCopy(place.secret_name, self._copies[place].source) for place in places)

    def remember_export(self, key: ExportKey, export: Export | None) -> None:
        """Keep what a live read or a write of ours has shown, until the watch shows something newer."""
        known = self._exports.get(key)
        if export is None:
            self._drop(key)
        elif known is None or not is_later(known.resource_version, export.resource_version):
            self._put(export)

    def wrote(self, place: CopyPlace, proof: str, resource_version: str) -> None:
        """Remember a copy as this operator has just written it, so that its event says nothing new."""
        self.saw_copy(place, proof, resource_version, deleted=False)

    def use(self, key: CredentialKey, now: datetime) -> Use | None:
        """Return who uses a credential; None before the exports of its namespace are known."""
        if not {key.namespace, None} & self._exports_listed:
            return None
        exports = [self._exports[one] for one in sorted(self._of_credential.get(key, ()))]
        living = tuple(User(EXPORT_KIND, e.key.name) for e in exports if not e.deleting and not e.has_expired(now))
        return Use(living, any(is_plain_copy(export) for export in exports))

    # --- what the watches feed

    def saw_export(self, export: Export, *, deleted: bool) -> bool:
        """Take an event; return whether it says anything new."""
        known = self._exports.get(export.key)
        if known and not is_later(export.resource_version, known.resource_version):
            return False
        if deleted:
            self._drop(export.key)
        else:
            self._put(export)
        return True

    def listed(self, scope: Scope, seen: Iterable[ExportKey], before: Iterable[ExportKey]) -> set[ExportKey]:
        """Take the end of a list: sweep what was known `before` it began and is not in it; return what is gone."""
        gone = set(before) - set(seen)
        for key in gone:
            self._drop(key)
        self._exports_listed.add(scope)
        return gone

    def saw_copy(
        self, place: CopyPlace, proof: object, resource_version: str, *, deleted: bool
    ) -> frozenset[ExportKey]:
        """Take an event of a copy's metadata; return the exports to look at, none if it is what we wrote ourselves."""
        known, namespace = self._copies.get(place), Namespace(place.namespace)
        if known and known.resource_version == resource_version and not deleted:
            return frozenset()
        concerned = set(self._of_secret.get(place, ()))
        if known:
            concerned.add(ExportKey(namespace, known.source.export_name))
            self._of_export[ExportKey(namespace, known.source.export_name)].discard(place)
            del self._copies[place]
        parsed = parse_proof(proof)
        if parsed and not deleted:
            owner = ExportKey(namespace, parsed.source.export_name)
            self._copies[place] = _Claim(resource_version, parsed.source)
            self._of_export[owner].add(place)
            concerned.add(owner)
        return frozenset(concerned)

    def copies_listed(self, scope: Scope, seen: Iterable[CopyPlace]) -> set[ExportKey]:
        """Take the end of a list of copies; return the exports of those that are gone."""
        gone = {place for place in self._copies if scope in {None, place.namespace}} - set(seen)
        self._copies_listed.add(scope)
        return {key for place in gone for key in self.saw_copy(place, None, "", deleted=True)}

    # --- bookkeeping

    def is_ready(self, scope: Scope) -> bool:
        """Whether exports and copies of a scope are known."""
        return scope in self._exports_listed and scope in self._copies_listed

    def keys(self, scope: Scope) -> frozenset[ExportKey]:
        """Return the exports of a scope that are known."""
        return frozenset(key for key in self._exports if scope is None or key.namespace == scope)

    def owners(self, scope: Scope) -> frozenset[ExportKey]:
        """Return the exports that copies of a scope name, whether they exist or not."""
        return frozenset(
            key for key, places in self._of_export.items() if places and (scope is None or key.namespace == scope)
        )

    def of_credential(self, key: CredentialKey) -> frozenset[ExportKey]:
        """Return the exports of a credential."""
        return frozenset(self._of_credential.get(key, ()))

    def sealed(self) -> frozenset[ExportKey]:
        """Return the exports whose copies are sealed to the operator's newest sealing key."""
        return frozenset(key for key, one in self._exports.items() if _is_sealed(one.spec))

    def of_target(self, key: TargetKey) -> frozenset[ExportKey]:
        """Return the exports that take their known hosts from a target."""
        return frozenset(one for one, export in self._exports.items() if _target_of(export) == key)

    def neighbours(self, export: Export) -> frozenset[ExportKey]:
        """Return the exports that want the same Secret."""
        place = _place(export)
        return frozenset(self._of_secret.get(place, ()) if place else ()) - {export.key}

    def exports(self) -> Iterator[Export]:
        """All known exports, for metrics."""
        return iter(self._exports.values())

    def _put(self, export: Export) -> None:
        self._drop(export.key)
        self._exports[export.key] = export
        if export.credential:
            self._of_credential[export.credential].add(export.key)
        if place := _place(export):
            self._of_secret[place].add(export.key)

    def _drop(self, key: ExportKey) -> None:
        export = self._exports.pop(key, None)
        if export is None:
            return
        if export.credential:
            self._of_credential[export.credential].discard(key)
            if not self._of_credential[export.credential]:
                del self._of_credential[export.credential]
        if place := _place(export):
            self._of_secret[place].discard(key)
            if not self._of_secret[place]:
                del self._of_secret[place]


def is_plain_copy(export: Export) -> bool:
    """Whether the status tells of a copy that anybody who reads the Secret can use."""
    spec = export.spec
    return export.status.secret_name is not None and not (isinstance(spec, ExportSpec) and not spec.is_plain)


def _is_sealed(spec: object) -> bool:
    return isinstance(spec, ExportSpec) and spec.profile is Profile.SEALED


def _target_of(export: Export) -> TargetKey | None:
    given = export.spec.known_hosts if isinstance(export.spec, ExportSpec) else None
    return TargetKey(export.key.namespace, given.name) if isinstance(given, TargetKnownHosts) else None


def _place(export: Export) -> CopyPlace | None:
    spec = export.spec
    return CopyPlace(export.key.namespace, spec.secret_name) if isinstance(spec, ExportSpec) else None


def _precedence(export: Export) -> tuple[str, str]:
    return export.created_at, export.uid
