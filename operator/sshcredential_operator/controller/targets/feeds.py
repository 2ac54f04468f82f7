"""What becomes of the targets and credentials that are listed and watched. Called by the tap in `shell.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import CredentialKey, TargetKey
from sshcredential_operator.api.target import parse_target
from sshcredential_operator.controller.store import Kind, Scope
from sshcredential_operator.controller.targets.known import Known
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError


class Follower:
    """Asks for passes over targets, as soon as targets and credentials of their scope are known."""

    def __init__(
        self,
        known: Known,
        queue: WorkQueue[TargetKey],
        forget: Callable[[TargetKey], None],
        begins: Callable[[Scope], None],
    ) -> None:
        self.known, self._queue, self.forget, self.begins = known, queue, forget, begins

    def look_at(self, keys: Iterable[TargetKey], scope: Scope) -> None:
        """Ask for passes."""
        if self.known.is_ready(scope):
            for key in keys:
                self._queue.add(key)

    def complete(self, kind: Kind, scope: Scope, concerned: Iterable[TargetKey]) -> None:
        """Look at everything once both lists of a scope are there, and then at what a further list has changed."""
        was_ready = self.known.is_ready(scope)
        self.known.listed(kind, scope)
        self.look_at(concerned if was_ready else self.known.targets(scope), scope)


class TargetFeed:
    """Takes targets."""

    def __init__(self, follower: Follower) -> None:
        self._follower, self._known = follower, follower.known

    def begins(self, scope: Scope) -> None:
        """Hear that a list begins; nothing follows from it."""

    def known(self, scope: Scope) -> frozenset[TargetKey]:
        """Return the targets of a scope."""
        return self._known.targets(scope)

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> TargetKey:
        """Take an event."""
        target = parse_target(raw)
        if self._known.saw_target(target, deleted=deleted):
            if deleted:
                self._follower.forget(target.key)
            self._follower.look_at(self._known.concerned(target.key), scope)
        return target.key

    def listed(self, scope: Scope, seen: frozenset[TargetKey], before: frozenset[TargetKey]) -> None:
        """Sweep what is gone."""
        gone = before - seen
        for key in gone:
            self._follower.forget(key)
        self._known.gone(gone)
        concerned = {one for key in gone for one in self._known.concerned(key)}
        self._follower.complete(Kind.TARGETS, scope, concerned)

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Do nothing with what is not known: the log and the metrics tell of it."""


class CredentialFeed:
    """Takes credentials: their statuses tell when keys come and go."""

    def __init__(self, follower: Follower) -> None:
        self._follower, self._known = follower, follower.known

    def begins(self, scope: Scope) -> None:
        """Forget the namespaces' identities: one may have been deleted and made again."""
        self._follower.begins(scope)

    def known(self, scope: Scope) -> frozenset[CredentialKey]:
        """Return the credentials of a scope."""
        return self._known.credentials(scope)

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> CredentialKey:
        """Take an event."""
        credential = parse_credential(raw)
        if self._known.saw_credential(credential, deleted=deleted):
            if deleted:
                self._follower.begins(credential.key.namespace)
            self._follower.look_at(self._known.concerned(credential.key), scope)
        return credential.key

    def listed(self, scope: Scope, seen: frozenset[CredentialKey], before: frozenset[CredentialKey]) -> None:
        """Sweep what is gone."""
        gone = before - seen
        self._known.gone(gone)
        concerned = {one for key in gone for one in self._known.concerned(key)}
        self._follower.complete(Kind.CREDENTIALS, scope, concerned)

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Do nothing with what is not known: the log and the metrics tell of it."""
