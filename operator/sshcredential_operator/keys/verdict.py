"""What `judge` and `KeyPool.judge` answer: the key in canonical form, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.keypair import KeyPair, PublicKey
from sshcredential_operator.keys.refusal import Fact

MAX_FILE_BYTES: Final = 64 * 1024
"""A larger file is refused unread."""

MAX_PASSPHRASE_BYTES: Final = 4 * 1024
"""A longer passphrase is refused unread: it could not be stored beside the key."""

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192


@dataclass(frozen=True, slots=True)
class Accepted:
    """A key that works. `passphrase` is what opened the file, or None when it was not encrypted."""

    pair: KeyPair
    passphrase: Sensitive | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is not taken. `public` is what an encrypted OpenSSH file shows without its passphrase.

    `detail` holds numbers and words of our own tables for the message, never text of the input.
    """

    reason: KeyRefusal
    public: PublicKey | None = None
    detail: tuple[Fact, ...] = ()


def refused_unread(file: Sensitive, passphrase: Sensitive | None) -> Refused | None:
    """Return the refusal of a file or a passphrase that is too large to be looked at, else None."""
    for value, most in ((file, MAX_FILE_BYTES), (passphrase, MAX_PASSPHRASE_BYTES)):
        if value is not None and len(value) > most:
            return Refused(KeyRefusal.TOO_LARGE, detail=(Fact("bytes", len(value)), Fact("most", most)))
    return None
