"""What the watches have shown of targets and credentials, and what this process wrote since. The port `KnownTargets`.

Fed by `feeds.py`. Not thread-safe: it lives in the event loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey, TargetKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.controller.store import Kind, Scope, is_later

KINDS: Final = (Kind.TARGETS, Kind.CREDENTIALS)


class Known:
    """Known targets and credentials, and which target depends on what."""

    def __init__(self) -> None:
        self._targets: dict[TargetKey, Target] = {}
        self._credentials: dict[CredentialKey, Credential] = {}
        self._users: defaultdict[CredentialKey | TargetKey, set[TargetKey]] = defaultdict(set)
        self._complete: set[tuple[Kind, Scope]] = set()

    # --- what passes read

    def target(self, key: TargetKey) -> Target | None:
        """The target, or None if there is none that we know of."""
        return self._targets.get(key)

    def credential(self, key: CredentialKey) -> Credential | None:
        """The credential, or None if there is none that we know of."""
        return self._credentials.get(key)

    def remember_target(self, key: TargetKey, target: Target | None) -> None:
        """Keep what a live read or a write of ours has shown, until the watch shows something newer."""
        known = self._targets.get(key)
        if target is None:
            self._drop(key)
        elif known is None or not is_later(known.resource_version, target.resource_version):
            self._put(target)

    # --- what the feeds bring

    def saw_target(self, target: Target, *, deleted: bool) -> bool:
        """Take an event; return whether it says anything new."""
        known = self._targets.get(target.key)
        if known and not is_later(target.resource_version, known.resource_version):
            return False
        if deleted:
            self._drop(target.key)
        else:
            self._put(target)
        return True

    def saw_credential(self, credential: Credential, *, deleted: bool) -> bool:
        """Take an event; return whether it says anything new."""
        known = self._credentials.get(credential.key)
        if known and not is_later(credential.resource_version, known.resource_version):
            return False
        if deleted:
            self._credentials.pop(credential.key, None)
        else:
            self._credentials[credential.key] = credential
        return True

    def gone(self, keys: Iterable[TargetKey | CredentialKey]) -> None:
        """Forget what a list no longer holds."""
        for key in keys:
            if isinstance(key, TargetKey):
                self._drop(key)
            else:
                self._credentials.pop(key, None)

    def listed(self, kind: Kind, scope: Scope) -> None:
        """Note that a list is complete."""
        self._complete.add((kind, scope))

    # --- bookkeeping

    def is_ready(self, scope: Scope) -> bool:
        """Whether targets and credentials of a scope are known."""
        return all((kind, scope) in self._complete for kind in KINDS)

    def targets(self, scope: Scope = None) -> frozenset[TargetKey]:
        """Return the targets of a scope."""
        return frozenset(key for key in self._targets if scope is None or key.namespace == scope)

    def credentials(self, scope: Scope) -> frozenset[CredentialKey]:
        """Return the credentials of a scope."""
        return frozenset(key for key in self._credentials if scope is None or key.namespace == scope)

    def all_targets(self) -> Iterable[Target]:
        """All known targets, for metrics."""
        return self._targets.values()

    def concerned(self, by: TargetKey | CredentialKey) -> set[TargetKey]:
        """Return the targets that something is a part of: itself, and whoever uses it or goes through such a one."""
        found, ahead = set[TargetKey](), list[TargetKey | CredentialKey]([by])
        while ahead:
            key = ahead.pop()
            if isinstance(key, TargetKey):
                if key in found:
                    continue
                found.add(key)
            ahead += self._users.get(key, ())
        return found

    def _put(self, target: Target) -> None:
        self._drop(target.key)
        self._targets[target.key] = target
        for used in _used(target):
            self._users[used].add(target.key)

    def _drop(self, key: TargetKey) -> None:
        target = self._targets.pop(key, None)
        for used in _used(target) if target else ():
            self._users[used].discard(key)
            if not self._users[used]:
                del self._users[used]


def _used(target: Target) -> Iterator[CredentialKey | TargetKey]:
    yield from target.used
    if target.jump:
        yield target.jump
