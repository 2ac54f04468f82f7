"""What wraps all that the key ring stores: root keys, whatever keeps them. Used by the key ring and its rotation.

A `RootPlace` is where a root is kept; `load` gives the `Root` that is there now, as a value that does not change. The
key ring works with one only after it has proven it, and keeps the one before until then. Of several places the first is
for writing, and the others only open what was wrapped before: that is how a root moves from one place to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import wrapping
from sshcredential_operator.encryption.root_key import RootKeys, RootSource
from sshcredential_operator.encryption.wrapping import Wrapped


class RootAway(Exception):
    """The root cannot be asked now. Nothing is known of what it would open; what was opened before goes on serving."""


class RootLack(StrEnum):
    """Why there is no root at its place."""

    ABSENT = "there is none"
    MALFORMED = "it is cut, or something else"
    AWAY = "it cannot be asked now"


class RootId(NamedTuple):
    """Which root key, and where it is kept."""

    source: RootSource
    key_id: str


class Root(Protocol):
    """A root as it was when it was loaded. Two are equal if they wrap and open the same."""

    @property
    def id(self) -> RootId:
        """The key that wraps from now on."""

    def holds(self, root: RootId) -> bool:
        """Whether it may open what that root key has wrapped."""

    async def wrap(self, secret: Sensitive, aad: bytes) -> Wrapped:
        """Encrypt, bound to `aad`. May raise RootAway."""

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> Sensitive | None:
        """Decrypt what `wrap` made; None when anything does not fit. May raise RootAway."""


class RootPlace(Protocol):
    """Where a root is kept."""

    @property
    def source(self) -> RootSource:
        """What kind of place it is."""

    @property
    def where(self) -> str:
        """Name it for people, such as `Secret sshcredential-root-key`."""

    async def load(self) -> Root | RootLack:
        """Return the root that is there now."""


@dataclass(frozen=True, slots=True)
class LocalRoot:
    """A root whose keys the operator holds: from a Secret or a file."""

    source: RootSource
    keys: RootKeys

    @property
    def id(self) -> RootId:
        """The key that wraps from now on."""
        return RootId(self.source, self.keys.writing.kid)

    def holds(self, root: RootId) -> bool:
        """Whether it has that key."""
        return root.source is self.source and self.keys.find(root.key_id) is not None

    async def wrap(self, secret: Sensitive, aad: bytes) -> Wrapped:
        """Encrypt under the first key."""
        return wrapping.wrap(secret, self.keys.writing, aad, self.source)

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> Sensitive | None:
        """Decrypt under the key that is named."""
        key = self.keys.find(wrapped.root_key_id)
        return None if key is None or wrapped.root_source is not self.source else wrapping.unwrap(wrapped, key, aad)


@dataclass(frozen=True, slots=True)
class Roots:
    """All roots of a key ring: one for writing, and those that only open what was wrapped before."""

    writing: Root
    older: tuple[Root, ...] = ()

    @property
    def id(self) -> RootId:
        """The root key that wraps from now on."""
        return self.writing.id

    def holds(self, wrapped: Wrapped) -> bool:
        """Whether one of them may open this."""
        return any(root.holds(root_id(wrapped)) for root in (self.writing, *self.older))

    async def wrap(self, secret: Sensitive, aad: bytes) -> Wrapped:
        """Encrypt under the root for writing, and see that it opens again. Raise RootAway if it does not.

        What is wrapped here may be the only copy of a key: a plugin's word is not enough.
        """
        wrapped = await self.writing.wrap(secret, aad)
        if await self.writing.unwrap(wrapped, aad) != secret:
            raise RootAway
        return wrapped

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> Sensitive | None:
        """Decrypt under the root that is named; None when none of them opens it."""
        away = False
        for root in (self.writing, *self.older):
            if not root.holds(root_id(wrapped)):
                continue
            try:
                secret = await root.unwrap(wrapped, aad)
            except RootAway:  # two plugins, perhaps, of which the other has the key
                away = True
                continue
            if secret is not None:
                return secret
        if away:
            raise RootAway
        return None


class LoadedRoots(NamedTuple):
    """What all places had: the roots, or why there is none for writing."""

    roots: Roots | None
    lack: RootLack | None = None


async def load_roots(places: tuple[RootPlace, ...]) -> LoadedRoots:
    """Load all places. An older one that lacks is left out: what only it would open does not open."""
    writing, *older = [await place.load() for place in places]
    if isinstance(writing, RootLack):
        return LoadedRoots(None, writing)
    return LoadedRoots(Roots(writing, tuple(root for root in older if not isinstance(root, RootLack))))


def root_id(wrapped: Wrapped) -> RootId:
    """Return which root key has wrapped this."""
    return RootId(wrapped.root_source, wrapped.root_key_id)
