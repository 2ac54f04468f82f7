"""What `pool` and its worker processes say to each other: RFC 4251 strings behind a length. No pickle, no text.

Both sides read strictly: a hostile file may have taken a worker over, so its answer is input like any other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.keypair import KeyPair, PublicKey
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Fact, Refusal
from sshcredential_operator.keys.verdict import Accepted, Refused
from sshcredential_operator.keys.wire import WireReader, string, uint32

LENGTH_OCTETS: Final = 4
MAX_ANSWER: Final = 2 * 1024 * 1024
_ABSENT: Final = b"\0"
_PRESENT: Final = b"\1"
_NUMBER: Final = b"n"
_WORD: Final = b"w"


class Job(NamedTuple):
    """The arguments of `judge`."""

    file: Sensitive
    passphrase: Sensitive | None
    min_rsa_bits: int


def framed(message: bytes) -> bytes:
    """Return a message with its length in front."""
    return string(message)


def encoded_job(job: Job) -> bytes:
    """Return a job as a message."""
    passphrase = None if job.passphrase is None else job.passphrase.reveal()
    return string(job.file.reveal()) + _optional(passphrase) + uint32(job.min_rsa_bits)


def decoded_job(message: bytes) -> Job:
    """Return the job in a message."""
    reader = WireReader(message)
    file, passphrase, bits = reader.string(), _read_optional(reader), reader.uint32()
    reader.end()
    return Job(Sensitive(file), None if passphrase is None else Sensitive(passphrase), bits)


def encoded_verdict(verdict: Accepted | Refused) -> bytes:
    """Return an answer as a message."""
    match verdict:
        case Accepted(pair, passphrase, notes):
            used = None if passphrase is None else passphrase.reveal()
            return (
                _PRESENT
                + _public(pair.public)
                + string(pair.private.reveal())
                + _optional(used)
                + b"".join(string(note.value.encode()) for note in notes)
            )
        case Refused(reason, public, detail):
            shown = _optional(None if public is None else _public(public))
            return _ABSENT + string(reason.value.encode()) + shown + b"".join(_fact(fact) for fact in detail)


def decoded_verdict(message: bytes) -> Accepted | Refused | None:
    """Return the answer in a message, or None for a message that is none."""
    reader = WireReader(message)
    try:
        return _read_accepted(reader) if reader.take(1) == _PRESENT else _read_refused(reader)
    except (Refusal, ValueError):
        return None


def _read_accepted(reader: WireReader) -> Accepted:
    public, private, passphrase = _read_public(reader), reader.string(), _read_optional(reader)
    notes = []
    while not reader.at_end():
        notes.append(Note(reader.string().decode("ascii")))
    used = None if passphrase is None else Sensitive(passphrase)
    return Accepted(KeyPair(public, Sensitive(private)), used, tuple(notes))


def _read_refused(reader: WireReader) -> Refused:
    reason = KeyRefusal(reader.string().decode("ascii"))
    shown = _read_optional(reader)
    public = None if shown is None else _read_public(WireReader(shown))
    detail = []
    while not reader.at_end():
        detail.append(_read_fact(reader))
    return Refused(reason, public, tuple(detail))


def _public(key: PublicKey) -> bytes:
    return string(key.blob) + string(key.comment.encode("ascii"))


def _read_public(reader: WireReader) -> PublicKey:
    return public_key(reader.string(), reader.string().decode("ascii"))


def _fact(fact: Fact) -> bytes:
    kind = _NUMBER if isinstance(fact.value, int) else _WORD
    return string(fact.name.encode("ascii")) + kind + string(str(fact.value).encode("ascii"))


def _read_fact(reader: WireReader) -> Fact:
    name, kind, value = reader.string().decode("ascii"), reader.take(1), reader.string().decode("ascii")
    return Fact(name, int(value) if kind == _NUMBER else value)


def _optional(value: bytes | None) -> bytes:
    return _ABSENT if value is None else _PRESENT + string(value)


def _read_optional(reader: WireReader) -> bytes | None:
    return reader.string() if reader.take(1) == _PRESENT else None
