"""Turns what is seen of SSHTargets into passes over their credentials. Called by the tap in `shell.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sshcredential_operator.api.names import CredentialKey, TargetKey
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.target_store import TargetStore
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError


class TargetFeed:
    """A credential is looked at when a target begins or ends to use it, or lets other keys in.

    `changed` is told of every target as it was and as it is, None where it was not known or is gone.
    """

    def __init__(
        self,
        credentials: Store,
        targets: TargetStore,
        queue: WorkQueue[CredentialKey],
        changed: Callable[[Target | None, Target | None], None] = lambda *_: None,
    ) -> None:
        self._credentials, self._targets, self._queue = credentials, targets, queue
        self._changed = changed

    def begins(self, scope: Scope) -> None:
        """Hear that a list begins; nothing follows from it."""

    def known(self, scope: Scope) -> frozenset[TargetKey]:
        """Return the targets of a scope that are known."""
        return self._targets.keys(scope)

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> TargetKey:
        """Take an event of a target."""
        target = parse_target(raw)
        before = self._targets.target(target.key)
        self._look_at(self._targets.saw(target, deleted=deleted), scope)
        self._changed(before, self._targets.target(target.key))
        return target.key

    def listed(self, scope: Scope, seen: frozenset[TargetKey], before: frozenset[TargetKey]) -> None:
        """Sweep what is gone; the first time, look at everything: any credential may be held, or used."""
        first = not self._targets.is_known(scope)
        vanished = [self._targets.target(key) for key in before - seen]
        gone = self._targets.listed(scope, seen, before)
        for target in vanished:
            self._changed(target, None)
        self._credentials.permitted(Kind.TARGETS, scope)
        self._look_at(self._everything(scope) if first else gone, scope)

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Let those that wait for targets say why."""
        self._credentials.blocked(Kind.TARGETS, scope, trouble)
        if not self._targets.is_forbidden(scope):
            self._targets.forbidden(scope)
            self._look_at(self._everything(scope), scope)

    def _everything(self, scope: Scope) -> Iterable[CredentialKey]:
        return self._credentials.keys(Kind.CREDENTIALS, scope)

    def _look_at(self, keys: Iterable[CredentialKey], scope: Scope) -> None:
        if self._credentials.is_ready(scope):
            for key in keys:
                self._queue.add(key)
