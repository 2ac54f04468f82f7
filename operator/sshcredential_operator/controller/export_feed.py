"""Turns what is seen of exports, copies and credentials into passes. Called by `shell.py` and `copies.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.names import CredentialKey, ExportKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.copy_proof import CopyPlace
from sshcredential_operator.exports.target_hosts import hosts_changed
from sshcredential_operator.reconcile.trouble import TroubleError


class ExportFeed:
    """Nothing is handed out for a namespace before its credentials, Secrets, exports and copies are all known."""

    def __init__(
        self,
        credentials: Store,
        exports: ExportStore,
        queue: WorkQueue[ExportKey],
        credential_queue: WorkQueue[CredentialKey],
    ) -> None:
        self._credentials, self._exports = credentials, exports
        self._queue, self._credential_queue = queue, credential_queue

    def begins(self, scope: Scope) -> None:
        """Hear that a list begins; nothing follows from it."""

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> ExportKey:
        """Take an event of an export; look at it, and at the credentials whose use may have changed."""
        export = parse_export(raw)
        before = self._exports.export(export.key)
        concerned = self._exports.neighbours(export) | (self._exports.neighbours(before) if before else frozenset())
        if self._exports.saw_export(export, deleted=deleted):
            self._look_at({export.key} | concerned)
        self._look_at_credentials(_credentials(before, export), scope)
        return export.key

    def listed(self, scope: Scope, seen: frozenset[ExportKey], before: frozenset[ExportKey]) -> None:
        """Take the end of a list; look at the credentials whose use is known now, or has changed."""
        vanished = [self._exports.export(key) for key in before - seen]
        self._look_at(self._exports.listed(scope, seen, before))
        users = [self._exports.export(key) for key in seen]
        told = (c.key for c in self._credentials.credentials() if c.status.used_by or c.status.exposure == "Exported")
        in_scope = frozenset(key for key in told if scope in {None, key.namespace})
        self._look_at_credentials(in_scope | _credentials(*vanished, *users), scope)
        self._credentials.permitted(Kind.EXPORTS, scope)
        self.begin(scope)

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Keep what is known; without the list nothing is copied."""
        self._credentials.blocked(Kind.EXPORTS, scope, trouble)
        self._look_at_credentials(self._of_scope(scope), scope)

    def known(self, scope: Scope) -> frozenset[ExportKey]:
        """Return the exports of a scope that are known."""
        return self._exports.keys(scope)

    def credential_changed(self, key: CredentialKey) -> None:
        """Look at the exports of a credential, which or whose Secret has changed."""
        self._look_at(self._exports.of_credential(key))

    def sealing_key_changed(self) -> None:
        """Look at the exports that are sealed to the newest sealing key: there is a newer one."""
        self._look_at(self._exports.sealed())

    def target_changed(self, before: Target | None, after: Target | None) -> None:
        """Look at the exports that take known hosts from a target; None: it was not known, or is gone."""
        seen = after or before
        if seen and hosts_changed(before, after):
            self._look_at(self._exports.of_target(seen.key))

    def saw_copy(self, metadata: Mapping[str, Any], proof: object, *, deleted: bool) -> None:
        """Take an event of a copy's metadata."""
        place = CopyPlace(metadata["namespace"], metadata["name"])
        self._look_at(self._exports.saw_copy(place, proof, metadata["resourceVersion"], deleted=deleted))

    def listed_copies(self, scope: Scope, seen: Iterable[CopyPlace]) -> None:
        """Take the end of a list of copies: those whose export has gone meanwhile are found here."""
        self._look_at(self._exports.copies_listed(scope, seen))
        self.begin(scope)

    def begin(self, scope: Scope) -> None:
        """Look at everything once more, if all is known now."""
        if self._is_ready(scope):
            for key in self._exports.keys(scope) | self._exports.owners(scope):
                self._queue.add(key)

    def _look_at(self, keys: Iterable[ExportKey]) -> None:
        for key in keys:
            if self._is_ready(key.namespace) or self._is_ready(None):
                self._queue.add(key)

    def _of_scope(self, scope: Scope) -> frozenset[CredentialKey]:
        return self._credentials.keys(Kind.CREDENTIALS, scope) | self._credentials.keys(Kind.SECRETS, scope)

    def _look_at_credentials(self, keys: Iterable[CredentialKey], scope: Scope) -> None:
        if self._credentials.is_ready(scope):
            for key in keys:
                self._credential_queue.add(key)

    def _is_ready(self, scope: Scope) -> bool:
        return self._credentials.is_ready(scope) and self._exports.is_ready(scope)


def _credentials(*exports: Export | None) -> frozenset[CredentialKey]:
    return frozenset(export.credential for export in exports if export and export.credential)
