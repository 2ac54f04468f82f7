"""Decides whether a private key that a user brings is taken, and puts it into canonical form.

Runs in the processes of `pool`, which limit what a hostile file can cost; pure, so it can be called anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.formats import binary
from sshcredential_operator.keys.formats.found import Candidate, Found, Locked, noted
from sshcredential_operator.keys.formats.recognisers import recognised
from sshcredential_operator.keys.keypair import KeyPair, PublicKey
from sshcredential_operator.keys.openssh import key_pair
from sshcredential_operator.keys.private import RsaPrivate, proven_blob
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.repair import repaired
from sshcredential_operator.keys.verdict import MIN_RSA_BITS, Accepted, Refused, refused_unread
from sshcredential_operator.keys.weakness import weakness_of

__all__ = ["Accepted", "Refused", "judge"]

_RECOMMENDED_RSA_BITS: Final = 3072
_SMALL_EXPONENT: Final = 3


@dataclass(frozen=True, slots=True, repr=False)
class _Opened:
    found: Found
    passphrase: bytes | None
    notes: tuple[Note, ...]


def judge(file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int = MIN_RSA_BITS) -> Accepted | Refused:
    """Return the key in `file` in canonical form, or why it is not taken. Never raises for what a file holds.

    An empty passphrase means none. Libraries below answer odd input with many kinds of exception, some of them
    outside `Exception` and some with key material in their text: here, and nowhere else, all become a reason.
    """
    if (refused := refused_unread(file, passphrase)) is not None:
        return refused
    try:
        return _judged(file.reveal(), passphrase.reveal() if passphrase else b"", min_rsa_bits)
    except Refusal as refusal:
        return Refused(refusal.reason, refusal.public, refusal.detail)
    except (KeyboardInterrupt, SystemExit):
        raise
    except MemoryError:
        return Refused(KeyRefusal.KDF_TOO_EXPENSIVE)
    except BaseException:  # noqa: BLE001 - see above; a panic in Rust is no Exception
        return Refused(KeyRefusal.CORRUPT)


def _judged(file: bytes, passphrase: bytes, min_rsa_bits: int) -> Accepted:
    candidate = _candidate(file)
    shown = candidate.public if isinstance(candidate, Locked) else None
    try:
        if shown is not None:
            _require_rsa_size(shown, min_rsa_bits)
        opened = _opened(candidate, passphrase)
        pair, remarks = _checked(opened.found, min_rsa_bits)
    except Refusal as refusal:
        raise refusal.about(shown) from None
    used = None if opened.passphrase is None else Sensitive(opened.passphrase)
    said = {*candidate.notes, *opened.notes, *remarks}
    return Accepted(pair, used, tuple(note for note in Note if note in said))


def _candidate(file: bytes) -> Candidate:
    """Return what is found in a file: as it is if it is DER, else in its text."""
    if file and (found := binary.read(file)) is not None:
        return found
    repair = repaired(file)
    if not repair.text:
        raise Refusal(KeyRefusal.EMPTY)
    return noted(recognised(repair.text), *repair.notes)


def _opened(candidate: Candidate, passphrase: bytes) -> _Opened:
    """Open an encrypted file; a passphrase with a line end, as `echo` leaves one, is also tried without it."""
    if isinstance(candidate, Found):
        unneeded = (Note.PASSPHRASE_NOT_NEEDED,) if passphrase else ()
        return _Opened(candidate, None, (Note.NO_PASSPHRASE, *unneeded))
    if not passphrase:
        raise Refusal(KeyRefusal.PASSPHRASE_REQUIRED)
    shorter = passphrase.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return _Opened(candidate.unlock(passphrase), passphrase, ())
    except Refusal as refusal:
        if refusal.reason is not KeyRefusal.WRONG_PASSPHRASE or shorter in {passphrase, b""}:
            raise
    return _Opened(candidate.unlock(shorter), shorter, (Note.PASSPHRASE_NEWLINE_REMOVED,))


def _checked(found: Found, min_rsa_bits: int) -> tuple[KeyPair, tuple[Note, ...]]:
    """Check what the file claims, sizes before anything costly, and compose the canonical form."""
    for claim in found.claims:
        _require_rsa_size(public_key(claim), min_rsa_bits)
    blob = proven_blob(found.private, found.claims)
    if any(half != blob for half in found.beside):
        raise Refusal(KeyRefusal.PUBLIC_PRIVATE_MISMATCH)
    if isinstance(found.private, RsaPrivate) and not found.private.primes_hold():
        raise corrupt()
    if (weakness := weakness_of(found.private)) is not None:
        raise Refusal(KeyRefusal.WEAK_KEY, weakness=weakness)
    pair = key_pair(found.private, blob, found.comment)
    return pair, (*found.notes, *_remarks(found, pair.public))


def _require_rsa_size(public: PublicKey, min_rsa_bits: int) -> None:
    """Refuse sizes that are too small or odd; too large ones are refused where the number is read."""
    if public.algorithm is not Algorithm.RSA:
        return
    if public.bits < min_rsa_bits:
        raise Refusal(KeyRefusal.RSA_TOO_SMALL, bits=public.bits, least=min_rsa_bits)
    if public.bits % 8:
        raise Refusal(KeyRefusal.ODD_MODULUS_SIZE, bits=public.bits)


def _remarks(found: Found, public: PublicKey) -> tuple[Note, ...]:
    if not isinstance(found.private, RsaPrivate):
        return ()
    notes = {
        Note.RSA_BELOW_3072: public.bits < _RECOMMENDED_RSA_BITS,
        Note.SMALL_EXPONENT: found.private.e == _SMALL_EXPONENT,
    }
    return tuple(note for note, applies in notes.items() if applies)
