"""A key pair in the product's one form: what everything outside this package knows of a key."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half. `blob` is its wire form (RFC 4253, section 6.6); `comment` one printable ASCII line or empty."""

    algorithm: Algorithm
    bits: int
    blob: bytes
    comment: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).rstrip(b"=").decode("ascii")

    @property
    def line(self) -> str:
        """The line for `authorized_keys`, without a line end."""
        length = int.from_bytes(self.blob[:4], "big")
        key_type = self.blob[4 : 4 + length].decode("ascii")
        return f"{key_type} {base64.b64encode(self.blob).decode('ascii')} {self.comment}".rstrip(" ")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves. `private` is the canonical OpenSSH file of our own making: no passphrase, LF, a last newline."""

    public: PublicKey
    private: Sensitive
