"""What the watches have shown of SSHTargets: which credentials they use, and which keys they let in.

Fed by `target_feed.py`, read by passes over credentials.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sshcredential_operator.api.names import CredentialKey, TargetKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.controller.store import Scope, is_later
from sshcredential_operator.reconcile.observed import Door, Targets, Unseen


class TargetStore:
    """Known targets. Not thread-safe: it lives in the event loop."""

    def __init__(self) -> None:
        self._targets: dict[TargetKey, Target] = {}
        self._of_credential: defaultdict[CredentialKey, set[TargetKey]] = defaultdict(set)
        self._listed: set[Scope] = set()
        self._forbidden: set[Scope] = set()

    def of_credential(self, key: CredentialKey) -> Targets | Unseen:
        """Return the targets of a credential (the port `World.targets`)."""
        scopes = {key.namespace, None}
        if scopes & self._forbidden:
            return Unseen.FORBIDDEN
        if not scopes & self._listed:
            return Unseen.NOT_LISTED
        users = [self._targets[one] for one in sorted(self._of_credential.get(key, ()))]
        living = [one for one in users if not one.deleting]
        return Targets(
            doors=tuple(door_of(one) for one in living if one.credential == key),
            bootstraps=tuple(one.key.name for one in living if one.credential != key),
        )

    def saw(self, target: Target, *, deleted: bool) -> frozenset[CredentialKey]:
        """Take an event; return the credentials to which it makes a difference. Most probes make none."""
        known = self._targets.get(target.key)
        if known and not is_later(target.resource_version, known.resource_version):
            return frozenset()
        self._drop(target.key)
        if not deleted:
            self._put(target)
        now = None if deleted else target
        return frozenset() if _tells(known) == _tells(now) else frozenset((*_used(known), *_used(now)))

    def listed(self, scope: Scope, seen: Iterable[TargetKey], before: Iterable[TargetKey]) -> frozenset[CredentialKey]:
        """Take the end of a list: sweep what was known `before` it began and is not in it; say whom it concerns."""
        gone = [self._targets[key] for key in set(before) - set(seen) if key in self._targets]
        for target in gone:
            self._drop(target.key)
        self._listed.add(scope)
        self._forbidden.discard(scope)
        return frozenset(key for target in gone for key in target.used)

    def forbidden(self, scope: Scope) -> None:
        """Note that the list is not permitted: what is known may be old."""
        self._forbidden.add(scope)

    def is_known(self, scope: Scope) -> bool:
        """Whether the targets of a scope are listed, and may be watched."""
        return scope in self._listed and scope not in self._forbidden

    def is_forbidden(self, scope: Scope) -> bool:
        """Whether the targets of a scope may not be listed."""
        return scope in self._forbidden

    def target(self, key: TargetKey) -> Target | None:
        """The target, or None if there is none that we know of."""
        return self._targets.get(key)

    def keys(self, scope: Scope) -> frozenset[TargetKey]:
        """Return the targets of a scope that are known."""
        return frozenset(key for key in self._targets if scope is None or key.namespace == scope)

    def _put(self, target: Target) -> None:
        self._targets[target.key] = target
        for key in target.used:
            self._of_credential[key].add(target.key)

    def _drop(self, key: TargetKey) -> None:
        target = self._targets.pop(key, None)
        for credential in target.used if target else ():
            self._of_credential[credential].discard(key)
            if not self._of_credential[credential]:
                del self._of_credential[credential]


def door_of(target: Target) -> Door:
    """Return what a target lets in. What a status tells of another spec, such as of another host, does not count."""
    told = target.status.observed_generation == target.generation
    return Door(target.key.name, frozenset(target.status.authenticated_fingerprints if told else ()))


def _tells(target: Target | None) -> object:
    # All that a pass over a credential asks of a target.
    return (target.credential, target.used, door_of(target)) if target and not target.deleting else None


def _used(target: Target | None) -> tuple[CredentialKey, ...]:
    return target.used if target else ()
