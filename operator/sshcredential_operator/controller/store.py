"""What the watches have shown, and what this operator wrote since. Fed by `shell.py`, read by passes as `Known`.

Per namespace or for all: nothing is handed out before both lists are complete, and what a later list no longer
holds is swept, because a watch does not tell of what vanished while it was away.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller.claims import Claims
from sshcredential_operator.encryption.credential_secret import Unreadability, Unreadable
from sshcredential_operator.reconcile.observed import RawSecret, SecretSeen, Stored, Unopened
from sshcredential_operator.reconcile.trouble import TroubleError

Scope = Namespace | None
"""One namespace, or None for all of them."""

_Seen = Credential | RawSecret | SecretSeen

ENDS_KEPT: Final = 10_000
"""How many deletions are remembered at most, for answers that come back after them."""
ENDS_KEPT_ANYWAY: Final = 500
"""How many are remembered whatever their age: a process that was frozen has no measure of it."""
ENDS_SECONDS: Final = 60.0
"""How long more than that are remembered; no request takes so long."""


class Kind(Enum):
    """What is watched."""

    CREDENTIALS = "sshcredentials"
    SECRETS = "secrets"
    EXPORTS = "sshcredentialexports"
    """Kept in `export_store.py`."""
    TARGETS = "sshtargets"
    """Kept in `target_store.py`."""


class Store:
    """Known objects by credential. Not thread-safe: it lives in the event loop."""

    def __init__(self) -> None:
        self._credentials: dict[CredentialKey, Credential] = {}
        self._secrets: dict[CredentialKey, RawSecret | SecretSeen] = {}
        self._claims = Claims(self._credentials)
        self._listed: set[tuple[Kind, Scope]] = set()
        self._blocked: dict[tuple[Kind, Scope], TroubleError] = {}
        self._gone: OrderedDict[tuple[Kind, CredentialKey], tuple[str, float]] = OrderedDict()

    # --- what passes read (the port `Known`)

    def credential(self, key: CredentialKey) -> Credential | None:
        """The credential, or None if there is none that we know of."""
        return self._credentials.get(key)

    def secret(self, key: CredentialKey) -> RawSecret | SecretSeen | None:
        """The credential's Secret as it was last seen or written."""
        return self._secrets.get(key)

    def rival(self, credential: Credential) -> str | None:
        """Return who holds this credential's name instead."""
        return self._claims.rival(credential)

    def trouble(self, key: CredentialKey) -> TroubleError | None:
        """Why the Secrets of this namespace cannot be watched, if so."""
        return self._blocked.get((Kind.SECRETS, key.namespace)) or self._blocked.get((Kind.SECRETS, None))

    def remember_secret(self, key: CredentialKey, secret: RawSecret | SecretSeen | None) -> bool:
        """Keep what a live read or a write of ours has shown, until the watch shows something newer.

        False if it has shown something newer already, which may be the end.
        """
        if secret is None:
            self._secrets.pop(key, None)
        elif self._is_news(Kind.SECRETS, key, self._secrets.get(key), secret.resource_version):
            self._secrets[key] = secret
        else:
            return False
        return True

    def lost_key(self, key: CredentialKey, seen: Stored) -> None:
        """Keep of a Secret that was opened that it opens no more: a pass looks at it live then."""
        if self._secrets.get(key) == seen:
            lost = Unreadable(Unreadability.UNKNOWN_KID, seen.key_id)
            self._secrets[key] = Unopened(seen.uid, seen.resource_version, lost)

    def remember_credential(self, key: CredentialKey, credential: Credential | None) -> bool:
        """Keep what a live read or a write of ours has shown, until the watch shows something newer.

        False if it has shown something newer already, which may be the end.
        """
        if credential is None:
            self._drop_credential(key)
        elif self._is_news(Kind.CREDENTIALS, key, self._credentials.get(key), credential.resource_version):
            self._put_credential(credential)
        else:
            return False
        return True

    def unseen(self, kind: Kind, key: CredentialKey, version: str) -> bool:
        """Whether a revision is later than the known one, or than the last end: others need not be looked into."""
        known = self._credentials.get(key) if kind is Kind.CREDENTIALS else self._secrets.get(key)
        return not self._is_old(kind, key, known, version)

    # --- what the watches feed; each returns the credentials to look at

    def saw_credential(self, credential: Credential, *, deleted: bool) -> Iterable[CredentialKey]:
        """Take an event of a credential; revisions up to the known one or to the last end say nothing."""
        key = credential.key
        if self._is_old(Kind.CREDENTIALS, key, self._credentials.get(key), credential.resource_version):
            return ()
        if not deleted:
            return {key, *self._put_credential(credential)}
        # Where a live read has shown the end before, nobody has been told of it yet.
        concerned = self._drop_credential(key) if key in self._credentials else self._claims.claimants(credential)
        self._bury(Kind.CREDENTIALS, key, credential.resource_version)
        return {key, *concerned}

    def saw_secret(self, key: CredentialKey, secret: RawSecret, *, deleted: bool) -> Iterable[CredentialKey]:
        """Take an event of a Secret of our type; revisions up to the known one or to the last end say nothing."""
        if self._is_old(Kind.SECRETS, key, self._secrets.get(key), secret.resource_version):
            return ()
        if deleted:
            self._secrets.pop(key, None)
            self._bury(Kind.SECRETS, key, secret.resource_version)
        else:
            self._secrets[key] = secret
        return (key,)

    def listed(
        self, kind: Kind, scope: Scope, seen: Iterable[CredentialKey], before: frozenset[CredentialKey]
    ) -> set[CredentialKey]:
        """Take the end of a list: sweep what was known `before` it began and is not in it; return whom it concerns."""
        gone = set(before) - set(seen)
        rivals = set[CredentialKey]()
        for key in gone:
            if kind is Kind.CREDENTIALS:
                rivals.update(self._drop_credential(key))
            else:
                self._secrets.pop(key, None)
        self._listed.add((kind, scope))
        self.permitted(kind, scope)
        return gone | rivals

    def blocked(self, kind: Kind, scope: Scope, trouble: TroubleError) -> None:
        """Note that a list or watch is not permitted at the moment."""
        self._blocked[kind, scope] = trouble

    def permitted(self, kind: Kind, scope: Scope) -> None:
        """Note that it is."""
        self._blocked.pop((kind, scope), None)

    # --- bookkeeping

    def keys(self, kind: Kind, scope: Scope) -> frozenset[CredentialKey]:
        """Return the credentials of a scope that an object of this kind is known for."""
        known: Iterable[CredentialKey] = self._credentials if kind is Kind.CREDENTIALS else self._secrets
        return frozenset(key for key in known if scope is None or key.namespace == scope)

    def is_ready(self, scope: Scope) -> bool:
        """Whether both lists of a scope are complete, or one is complete and the other is not permitted."""
        return (Kind.CREDENTIALS, scope) in self._listed and (
            (Kind.SECRETS, scope) in self._listed or (Kind.SECRETS, scope) in self._blocked
        )

    def has_answers(self, scopes: Iterable[Scope]) -> bool:
        """Whether the API server has answered every list of these scopes, be it that it is not permitted."""
        wanted = {(kind, scope) for kind in (Kind.CREDENTIALS, Kind.SECRETS) for scope in scopes}
        return wanted <= self._listed | self._blocked.keys()

    def credentials(self) -> Iterable[Credential]:
        """All known credentials, for metrics."""
        return self._credentials.values()

    def orphans(self) -> int:
        """How many Secrets of ours have no credential. Those that do not open are none that anybody waits for."""
        return sum(
            isinstance(seen, Stored | RawSecret) for key, seen in self._secrets.items() if key not in self._credentials
        )

    def blocked_scopes(self) -> Iterable[tuple[Kind, Scope]]:
        """What may not be listed or watched at the moment, for metrics and health."""
        return self._blocked

    def _is_news(self, kind: Kind, key: CredentialKey, known: _Seen | None, version: str) -> bool:
        # An answer may come back after the watch has shown something newer, or the object's end.
        if known is not None:
            return not is_later(known.resource_version, version)
        return not self._is_old(kind, key, None, version)

    def _is_old(self, kind: Kind, key: CredentialKey, known: _Seen | None, version: str) -> bool:
        latest = self._gone.get((kind, key), (None,))[0] if known is None else known.resource_version
        return latest is not None and not is_later(version, latest)

    def _bury(self, kind: Kind, key: CredentialKey, version: str) -> None:
        now = time.monotonic()
        self._gone[kind, key] = (version, now)
        self._gone.move_to_end((kind, key))
        while len(self._gone) > ENDS_KEPT_ANYWAY:
            _, buried = next(iter(self._gone.values()))
            if len(self._gone) <= ENDS_KEPT and now - buried < ENDS_SECONDS:
                return
            self._gone.popitem(last=False)

    def _put_credential(self, credential: Credential) -> Iterable[CredentialKey]:
        known = self._credentials.get(credential.key)
        left = self._claims.drop(known) if known and known.claimed_name != credential.claimed_name else ()
        self._credentials[credential.key] = credential
        return {*left, *self._claims.put(credential)}

    def _drop_credential(self, key: CredentialKey) -> Iterable[CredentialKey]:
        credential = self._credentials.pop(key, None)
        return self._claims.drop(credential) if credential else ()


def is_later(version: str, known: str) -> bool:
    """Whether one revision of an object came after another."""
    # Resource versions of one resource are ordered decimal numbers (documented since 1.35, always so with etcd).
    return not (version.isdigit() and known.isdigit()) or int(version) > int(known)
