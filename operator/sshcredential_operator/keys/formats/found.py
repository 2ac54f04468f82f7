"""What a format finds in a file: a private half that lies open, or one that needs its passphrase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.private import PrivateHalf
from sshcredential_operator.keys.refusal import Refusal


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A private half, every public half (in wire form) that the file gives for it, and a comment fit to be shown.

    `beside` are public halves that stand outside of the key itself; they may even be of a kind that is not taken.
    """

    private: PrivateHalf
    claims: tuple[bytes, ...]
    comment: str = ""
    beside: tuple[bytes, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Locked:
    """An encrypted file whose parameters were found affordable.

    `unlock` takes a passphrase and raises WrongPassphrase where it does not fit; `public` is what the file shows.
    """

    unlock: Callable[[bytes], Found]
    public: PublicKey | None = None
    notes: tuple[Note, ...] = ()


Candidate = Found | Locked


def noted(candidate: Candidate, *notes: Note) -> Candidate:
    """Return a candidate of which this is remarked, too."""
    return replace(candidate, notes=(*candidate.notes, *notes))


def read_decrypted(read: Callable[[bytes], Found], plain: bytes) -> Found:
    """Read what a cipher without a checksum gave; nonsense in it is taken for the work of a wrong passphrase."""
    try:
        return read(plain)
    except Refusal as refusal:
        if refusal.reason is KeyRefusal.CORRUPT:
            raise Refusal(KeyRefusal.WRONG_PASSPHRASE) from None
        raise
