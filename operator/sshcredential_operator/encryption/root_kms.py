"""The root key in a KMS, which it never leaves: a Kubernetes KMS v2 plugin wraps and unwraps. Used by the key ring.

A plugin takes no aad, so what it encrypts repeats it. Its key id may change at any time: then everything is wrapped
again, while the plugin still opens what the key before has wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.roots import RootAway, RootId, RootLack
from sshcredential_operator.encryption.wrapping import (
    KMS_KEY_ID,
    Wrapped,
    are_storable,
    from_kms_plaintext,
    to_kms_plaintext,
)

LONGEST_CIPHERTEXT: Final = 16 * 1024
"""Plugins keep to 1 kB; one that does not still fits."""

_VERSIONS: Final = re.compile(r"v2(beta1)?")


class PluginStatus(NamedTuple):
    """What Status says."""

    version: str
    healthz: str
    key_id: str


class Encrypted(NamedTuple):
    """What Encrypt says."""

    ciphertext: bytes
    key_id: str
    annotations: Mapping[str, bytes]


class KmsPlugin(Protocol):
    """The three calls. Each raises RootAway when the plugin does not answer, or not as it should."""

    @property
    def where(self) -> str:
        """Name it for people."""

    async def status(self) -> PluginStatus: ...  # noqa: D102 - as in the plugin's API
    async def encrypt(self, plaintext: Sensitive) -> Encrypted: ...  # noqa: D102 - the same
    async def decrypt(self, ciphertext: bytes, key_id: str, annotations: Mapping[str, bytes]) -> Sensitive | None:
        """Return the plaintext, None if the plugin says for certain that this does not open."""


@dataclass(frozen=True, slots=True)
class KmsRoot:
    """A plugin, and the key that it said it encrypts with."""

    plugin: KmsPlugin
    key_id: str

    @property
    def id(self) -> RootId:
        """The key that wraps from now on."""
        return RootId(RootSource.KMS, self.key_id)

    def holds(self, root: RootId) -> bool:
        """Whether it may be the plugin's: which of its keys still open, only the plugin knows."""
        return root.source is RootSource.KMS

    async def wrap(self, secret: Sensitive, aad: bytes) -> Wrapped:
        """Let the plugin encrypt."""
        made = await self.plugin.encrypt(to_kms_plaintext(secret, aad))
        fits = 1 <= len(made.ciphertext) <= LONGEST_CIPHERTEXT and KMS_KEY_ID.fullmatch(made.key_id)
        if not fits or not are_storable(made.annotations):
            raise RootAway
        return Wrapped(RootSource.KMS, made.key_id, dict(made.annotations), made.ciphertext)

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> Sensitive | None:
        """Let the plugin decrypt, and see that it is what belongs here."""
        plaintext = await self.plugin.decrypt(wrapped.wrapped, wrapped.root_key_id, wrapped.annotations)
        return None if plaintext is None else from_kms_plaintext(plaintext, aad)


class RootInKms:
    """A plugin's root. A load is one call of Status."""

    source = RootSource.KMS

    def __init__(self, plugin: KmsPlugin) -> None:
        self._plugin = plugin

    @property
    def where(self) -> str:
        """Name it for people."""
        return self._plugin.where

    async def load(self) -> KmsRoot | RootLack:
        """Ask for the key id. A plugin that is not healthy, or of another version, is away."""
        try:
            status = await self._plugin.status()
        except RootAway:
            return RootLack.AWAY
        sound = status.healthz == "ok" and _VERSIONS.fullmatch(status.version) and KMS_KEY_ID.fullmatch(status.key_id)
        return KmsRoot(self._plugin, status.key_id) if sound else RootLack.AWAY
