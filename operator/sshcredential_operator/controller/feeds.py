"""What becomes of the objects that Kopf lists and watches: one feed for each kind. Called by the tap in `shell.py`.

A feed keeps what it was shown in a store, and asks for the passes that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import CredentialKey, Namespace, credential_of_secret
from sshcredential_operator.api.shared import shared
from sshcredential_operator.controller.ports import parse_secret
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.reconcile.trouble import TroubleError

Key = TypeVar("Key")


class Feed(Protocol, Generic[Key]):
    """Takes the objects of one kind. `Key` names one of them."""

    def begins(self, scope: Scope) -> None:
        """Hear that a list begins: while nobody watched, anything may have happened."""

    def known(self, scope: Scope) -> frozenset[Key]:
        """Return what is known of a scope."""
        ...

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> Key | None:
        """Take an event; return whose it is, None for an object that is nobody's."""
        ...

    def listed(self, scope: Scope, seen: frozenset[Key], before: frozenset[Key]) -> None:
        """Take the end of a list: what was known `before` it and was not `seen` in it is gone."""

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Hear that the list is not permitted."""


class Behind(NamedTuple):
    """What stands behind the feeds of credentials and of their Secrets."""

    store: Store
    queue: WorkQueue[CredentialKey]
    workspaces: KeyringWorkspaces
    changed: Callable[[CredentialKey], None] = lambda _: None
    """Told of every credential that, or whose Secret, has changed."""
    complete: Callable[[Scope], None] = lambda _: None
    """Told when a list is complete."""


class CredentialFeed:
    """Takes credentials, or their Secrets: nothing is looked at before both lists of a scope are complete."""

    def __init__(self, kind: Kind, behind: Behind) -> None:
        self._kind, self._behind = kind, behind
        self._store = behind.store

    def begins(self, scope: Scope) -> None:
        """Forget the namespaces' identities: one may have been deleted and made again."""
        self._behind.workspaces.forget(scope)

    def known(self, scope: Scope) -> frozenset[CredentialKey]:
        """Return the credentials that an object of this kind is known for."""
        return self._store.keys(self._kind, scope)

    def saw(self, raw: Mapping[str, Any], scope: Scope, *, deleted: bool) -> CredentialKey | None:
        """Take an event; a Secret of our type with a strange name is nobody's."""
        key, changed = self._take(raw, deleted=deleted)
        if key is None:
            return None
        if deleted:
            self._behind.workspaces.forget(key.namespace)
        self._look_at(changed, scope)
        self._behind.changed(key)
        return key

    def listed(self, scope: Scope, seen: frozenset[CredentialKey], before: frozenset[CredentialKey]) -> None:
        """Sweep what is gone; the first time, look at everything."""
        was_ready = self._store.is_ready(scope)
        gone = self._store.listed(self._kind, scope, seen, before)
        for key in gone:
            self._behind.workspaces.forget(key.namespace)
            self._behind.changed(key)
        self._look_at(gone if was_ready else self._everything(scope), scope)
        self._behind.complete(scope)

    def forbidden(self, scope: Scope, trouble: TroubleError) -> None:
        """Say so in every status that can be written."""
        self._store.blocked(self._kind, scope, trouble)
        self._look_at(self._everything(scope), scope)

    def _take(
        self, raw: Mapping[str, Any], *, deleted: bool
    ) -> tuple[CredentialKey, Iterable[CredentialKey]] | tuple[None, tuple[()]]:
        metadata = raw["metadata"]
        namespace, name = shared(Namespace(metadata["namespace"])), metadata["name"]
        of_credentials = self._kind is Kind.CREDENTIALS
        key = CredentialKey(namespace, name) if of_credentials else credential_of_secret(namespace, name)
        if key is None:
            return None, ()
        if not self._store.unseen(self._kind, key, metadata["resourceVersion"]):  # mostly what a pass has written
            return key, ()
        if of_credentials:
            return key, self._store.saw_credential(parse_credential(raw), deleted=deleted)
        return key, self._store.saw_secret(key, parse_secret(raw), deleted=deleted)

    def _everything(self, scope: Scope) -> Iterable[CredentialKey]:
        return self._store.keys(Kind.CREDENTIALS, scope) | self._store.keys(Kind.SECRETS, scope)

    def _look_at(self, keys: Iterable[CredentialKey], scope: Scope) -> None:
        if self._store.is_ready(scope):
            for key in keys:
                self._behind.queue.add(key)


def credential_feeds(behind: Behind) -> dict[Kind, Feed[Any]]:
    """Return the feeds of credentials and of their Secrets."""
    return {kind: CredentialFeed(kind, behind) for kind in (Kind.CREDENTIALS, Kind.SECRETS)}
