"""Who holds a name: `spec.name` is unique in a namespace. Used by `store.py`.

Who has a key comes first, then the older, then the smaller uid. Of those without a key, who was once told that the name
is free stays: its key may be on the way. What thousands claim costs no more than what one does, until its holder ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey, Namespace

_Name = tuple[Namespace, str]


class Claims:
    """The claims of all known credentials. `put` and `drop` return for whom the holder is another one than before."""

    def __init__(self, credentials: Mapping[CredentialKey, Credential]) -> None:
        self._credentials = credentials
        self._holders: dict[_Name, CredentialKey] = {}
        self._others: dict[_Name, set[CredentialKey]] = {}
        self._told: dict[_Name, CredentialKey] = {}

    def rival(self, credential: Credential) -> str | None:
        """Return who holds this credential's name instead."""
        name = _name(credential)
        holder = self._holders.get(name)
        if holder is None:
            return None
        self._told[name] = holder
        return None if holder == credential.key else holder.name

    def claimants(self, credential: Credential) -> Iterable[CredentialKey]:
        """Return all that claim this credential's name."""
        name = _name(credential)
        holder = self._holders.get(name)
        return () if holder is None else (holder, *self._others.get(name, ()))

    def put(self, credential: Credential) -> Iterable[CredentialKey]:
        """Take a claimant that is new, or has changed and claims the same name as before. It is among the known."""
        name, key = _name(credential), credential.key
        holder = self._holders.setdefault(name, key)
        if holder != key:
            self._others.setdefault(name, set()).add(key)
            if self._precedence(name, holder) < self._precedence(name, key):
                return ()
        return self._choose(name)

    def drop(self, credential: Credential) -> Iterable[CredentialKey]:
        """Forget a claimant."""
        name, key = _name(credential), credential.key
        others = self._others.get(name)
        if self._holders.get(name) != key:
            self._leave(name, key)
            return ()
        if not others:
            self._holders.pop(name)
            self._told.pop(name, None)
            return ()
        claimants = frozenset(others)
        holder = self._holders[name] = self._first(name, claimants)
        self._leave(name, holder)
        return claimants

    def _choose(self, name: _Name) -> Iterable[CredentialKey]:
        others = self._others.get(name)
        if not others:
            return ()
        before = self._holders[name]
        holder = self._first(name, (before, *others))
        if holder == before:
            return ()
        self._holders[name] = holder
        others.add(before)
        self._leave(name, holder)
        return (holder, *others)

    def _leave(self, name: _Name, key: CredentialKey) -> None:
        others = self._others.get(name, set())
        others.discard(key)
        if not others:
            self._others.pop(name, None)

    def _first(self, name: _Name, claimants: Iterable[CredentialKey]) -> CredentialKey:
        return min(claimants, key=lambda key: self._precedence(name, key))

    def _precedence(self, name: _Name, key: CredentialKey) -> tuple[bool, bool, str, str]:
        credential = self._credentials[key]
        has_no_key = credential.status.facts is None
        return has_no_key, has_no_key and key != self._told.get(name), credential.created_at, credential.uid


def _name(credential: Credential) -> _Name:
    return credential.key.namespace, credential.claimed_name
