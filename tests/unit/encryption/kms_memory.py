"""A KMS plugin in memory, with real encryption: what is said, what is kept, and what it may do wrong."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.root_kms import Encrypted, PluginStatus
from sshcredential_operator.encryption.roots import RootAway


class MemoryPlugin:
    """Its keys by their ids; the last one encrypts."""

    where = "KMS plugin in memory"

    def __init__(self, *key_ids: str) -> None:
        self.keys = {key_id: AESGCM(AESGCM.generate_key(256)) for key_id in key_ids or ("key-1",)}
        self.version, self.healthz = "v2", "ok"
        self.away = False
        self.annotations: dict[str, bytes] = {"origin.example": b"memory"}
        self.wrong_plaintext = False
        """Whether it gives another plaintext back than it took."""
        self.padding = b""
        self.said_key: str | None = None
        """The key id that it says instead of the true one."""

    @property
    def newest(self) -> str:
        return list(self.keys)[-1]

    async def status(self) -> PluginStatus:
        self._answers()
        return PluginStatus(self.version, self.healthz, self.newest if self.said_key is None else self.said_key)

    async def encrypt(self, plaintext: Sensitive) -> Encrypted:
        self._answers()
        nonce = secrets.token_bytes(12)
        sealed = nonce + self.keys[self.newest].encrypt(nonce, plaintext.reveal(), None) + self.padding
        return Encrypted(sealed, self.newest if self.said_key is None else self.said_key, self.annotations)

    async def decrypt(self, ciphertext: bytes, key_id: str, annotations: Mapping[str, bytes]) -> Sensitive | None:
        self._answers()
        key = self.keys.get(key_id)
        if key is None or annotations != self.annotations:
            return None
        try:
            plaintext = key.decrypt(ciphertext[:12], ciphertext[12:], None)
        except InvalidTag:
            return None
        return Sensitive(plaintext + b"x" if self.wrong_plaintext else plaintext)

    def _answers(self) -> None:
        if self.away:
            raise RootAway
