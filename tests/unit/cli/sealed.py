"""Sealing keys as the operator would have them, and what it would find in values that were sealed to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.sealing import open_value
from sshcredential_operator.encryption.sealing_keys import SealingKey, SealingKeys, sealing_kid, to_jwks


class MadeKey(NamedTuple):
    """A sealing key, both halves."""

    public: SealingKey
    private: Sensitive

    @classmethod
    def make(cls, slot: int = 1, days_old: int = 0) -> Self:
        private = X25519PrivateKey.generate()
        x = b64url.encode(private.public_key().public_bytes_raw())
        made = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_old)
        return cls(SealingKey(sealing_kid(slot, x), x, made), Sensitive(private.private_bytes_raw()))

    def publish(self, file: Path) -> Path:
        """Write the file that `sshcred sealing-key` would print."""
        file.write_text(to_jwks(SealingKeys((self.public,))))
        return file

    def open(self, values: Mapping[str, str]) -> dict[str, bytes]:
        """Return what is in sealed values."""
        opened = {field: open_value(text, self.private) for field, text in values.items()}
        return {field: value.reveal() for field, value in opened.items() if value is not None}
