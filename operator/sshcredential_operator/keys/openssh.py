"""OpenSSH's own private key format, version 1 (PROTOCOL.key in OpenSSH's source): its parts, and our canonical file.

The canonical file is what is stored and handed out. It has no passphrase, LF line ends and a fixed check number, so
that the same key and comment always give the same bytes. Read by `stored` and `formats.openssh_v1`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.keys.private import EcdsaPrivate, Ed25519Private, PrivateHalf, RsaPrivate
from sshcredential_operator.keys.public import (
    CURVES,
    ECDSA_TYPE,
    ED25519_TYPE,
    RSA_TYPE,
    ecdsa_blob,
    ed25519_blob,
    public_key,
    refused_type,
    rsa_blob,
)
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.wire import WireReader, mpint, string, uint32

MAGIC: Final = b"openssh-key-v1\0"
LABEL: Final = "OPENSSH PRIVATE KEY"
NO_CIPHER: Final = b"none"
MAX_COMMENT: Final = 256
_HEADER: Final = f"-----BEGIN {LABEL}-----\n"
_FOOTER: Final = f"-----END {LABEL}-----\n"
_LINE: Final = 70
_BLOCK: Final = 8
_CHECK: Final = uint32(0)
_SEED_BYTES: Final = 32
_PRINTABLE: Final = re.compile(rb"[ -~]*")


@dataclass(frozen=True, slots=True, repr=False)
class Container:
    """The outer layer. `section` is the private part, encrypted or not; `tag` what an AEAD cipher appends to it."""

    cipher: bytes
    kdf: bytes
    kdf_options: bytes
    public_blob: bytes
    section: bytes
    tag: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Section:
    """The inner layer: the private half, every public half that is repeated in it, and the comment as it is."""

    private: PrivateHalf
    claims: tuple[bytes, ...]
    comment: bytes


def container(body: bytes) -> Container:
    """Read the outer layer of a decoded file."""
    reader = WireReader(body)
    if reader.take(len(MAGIC)) != MAGIC:
        raise corrupt()
    cipher, kdf, options = reader.string(), reader.string(), reader.string()
    count = reader.uint32()
    if count != 1:
        raise Refusal(KeyRefusal.MULTIPLE_KEYS, keys=count) if count else corrupt()
    return Container(cipher, kdf, options, reader.string(), reader.string(), reader.rest())


def check_numbers_agree(section: bytes) -> bool:
    """Tell whether a decrypted section begins with the same number twice, as it does with the right passphrase."""
    reader = WireReader(section)
    return reader.uint32() == reader.uint32()


def section(plain: bytes) -> Section:
    """Read the inner layer of a file, decrypted."""
    reader = WireReader(plain)
    if reader.uint32() != reader.uint32():
        raise corrupt()
    private, claims = _numbers(reader)
    comment, padding = reader.string(), reader.rest()
    if padding != bytes(index & 0xFF for index in range(1, len(padding) + 1)):
        raise corrupt()
    return Section(private, claims, comment)


def shown_comment(raw: bytes) -> str:
    """Return a comment if it is one line of printable ASCII of a sensible length, else the empty comment."""
    text = raw.strip(b" ")
    fit = len(text) <= MAX_COMMENT and _PRINTABLE.fullmatch(text)
    return text.decode("ascii") if fit else ""


def key_pair(private: PrivateHalf, blob: bytes, comment: str) -> KeyPair:
    """Return the pair of halves that are known to belong together, with its canonical file."""
    return KeyPair(public_key(blob, comment), Sensitive(canonical_file(private, blob, comment)))


def canonical_file(private: PrivateHalf, blob: bytes, comment: str) -> bytes:
    """Return the file in the one form that we write."""
    inner = written_section(private, blob, comment.encode("ascii"), _BLOCK)
    return written_file(Container(NO_CIPHER, NO_CIPHER, b"", blob, inner, b""))


def written_section(private: PrivateHalf, blob: bytes, comment: bytes, block: int) -> bytes:
    """Return the inner layer, not encrypted, padded for a cipher of this block size."""
    inner = _CHECK + _CHECK + _written_numbers(private, blob) + string(comment)
    return inner + bytes(range(1, 1 + -len(inner) % block))


def written_file(outer: Container) -> bytes:
    """Return the file with this outer layer."""
    body = MAGIC + string(outer.cipher) + string(outer.kdf) + string(outer.kdf_options) + uint32(1)
    body += string(outer.public_blob) + string(outer.section) + outer.tag
    text = base64.b64encode(body).decode("ascii")
    lines = (text[start : start + _LINE] + "\n" for start in range(0, len(text), _LINE))
    return (_HEADER + "".join(lines) + _FOOTER).encode("ascii")


def canonical_body(file: bytes) -> bytes | None:
    """Return the decoded body of a file that looks like one of ours, else None. The caller compares a new rendering."""
    header, footer = _HEADER.encode("ascii"), _FOOTER.encode("ascii")
    if not (file.startswith(header) and file.endswith(footer)):
        return None
    try:
        return base64.b64decode(file[len(header) : -len(footer)])
    except ValueError:
        return None


def _written_numbers(private: PrivateHalf, blob: bytes) -> bytes:
    match private:
        case Ed25519Private(seed):
            return blob + string(seed + blob[-_SEED_BYTES:])
        case EcdsaPrivate(_, scalar):
            return blob + mpint(scalar)
        case RsaPrivate(e, d, p, q, q_inverse):
            return string(RSA_TYPE) + b"".join(mpint(number) for number in (p * q, e, d, q_inverse, p, q))


def _numbers(reader: WireReader) -> tuple[PrivateHalf, tuple[bytes, ...]]:
    key_type = reader.string()
    if key_type == ED25519_TYPE:
        return _ed25519(reader)
    if key_type == RSA_TYPE:
        return _rsa(reader)
    if key_type.removeprefix(ECDSA_TYPE) in CURVES and key_type.startswith(ECDSA_TYPE):
        return _ecdsa(reader, key_type)
    raise refused_type(key_type)


def _ed25519(reader: WireReader) -> tuple[PrivateHalf, tuple[bytes, ...]]:
    public, secret = reader.string(), reader.string()
    if len(public) != _SEED_BYTES or len(secret) != 2 * _SEED_BYTES:
        raise corrupt()
    return Ed25519Private(secret[:_SEED_BYTES]), (ed25519_blob(public), ed25519_blob(secret[_SEED_BYTES:]))


def _ecdsa(reader: WireReader, key_type: bytes) -> tuple[PrivateHalf, tuple[bytes, ...]]:
    curve = CURVES[key_type.removeprefix(ECDSA_TYPE)]
    if reader.string() != curve.name:
        raise corrupt()
    point, scalar = reader.string(), reader.mpint()
    return EcdsaPrivate(curve, scalar), (ecdsa_blob(curve, point),)


def _rsa(reader: WireReader) -> tuple[PrivateHalf, tuple[bytes, ...]]:
    modulus, e, d, q_inverse, p, q = (reader.mpint() for _ in range(6))
    return RsaPrivate(e, d, p, q, q_inverse), (rsa_blob(e, modulus),)
