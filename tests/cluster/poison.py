"""Private key files that are made to cost: what somebody brings who wants an operator to stand still.

Used by the test that a workspace full of them delays nobody else, and by tests/bench.
"""

from __future__ import annotations

import gzip
import random
from typing import Final, NamedTuple

from sshcredential_operator.keys.wire import string, uint32
from unit.keys.key_files import der_int, encrypted_pkcs8, openssh_file, pbkdf2, pem, scrypt, seq, tlv

MOST_BYTES: Final = 64 * 1024
PASSPHRASE: Final = b"not the right one"


class Poison(NamedTuple):
    """A file and what is wrong with it."""

    name: str
    file: bytes


def poisoned_files() -> list[Poison]:
    """Return all kinds: as costly as it is still tried, and far beyond."""
    return [
        Poison("the most bcrypt that is tried", bcrypt_file(128)),
        Poison("bcrypt for years", bcrypt_file(2**32 - 1)),
        Poison("the most PBKDF2 that is tried", encrypted_pkcs8(pbkdf2(2_000_000), bytes(64))),
        Poison("PBKDF2 for ages", encrypted_pkcs8(pbkdf2(2**63 - 1), bytes(64))),
        Poison("the most scrypt that is tried", encrypted_pkcs8(scrypt(2**16, 8, 1), bytes(64))),
        Poison("scrypt of 1 TiB", encrypted_pkcs8(scrypt(2**30, 8, 1), bytes(64))),
        Poison("RSA-16384", rsa(16384)),
        Poison("RSA-8192 of odd numbers", rsa(8192)),
        Poison("BEGIN lines alone", b"-----BEGIN OPENSSH PRIVATE KEY-----\n" * (MOST_BYTES // 36)),
        Poison("BEGIN and END by turns", pem("RSA PRIVATE KEY", b"") * (MOST_BYTES // 70)),
        Poison("deep nesting", pem("PRIVATE KEY", nested(5000))),
        Poison("a compressed bomb", gzip.compress(bytes(40 * 1024 * 1024))[:MOST_BYTES]),
        Poison("base64 of base64 of it", b"QUFB" * (MOST_BYTES // 4)),
        Poison("blanks", b" \t\r\n" * (MOST_BYTES // 4)),
        Poison("escaped line breaks", b"-----BEGIN PRIVATE KEY-----" + b"\\n" * (MOST_BYTES // 2 - 40)),
        Poison("a wrong length in every element", pem("EC PRIVATE KEY", b"\x30\x84\xff\xff\xff\xff" * 5000)),
    ]


def bcrypt_file(rounds: int) -> bytes:
    """Return an OpenSSH file whose passphrase is derived in so many rounds."""
    public = string(b"ssh-ed25519") + string(bytes(32))
    return openssh_file(public, bytes(144), b"aes256-ctr", b"bcrypt", options=string(bytes(16)) + uint32(rounds))


def rsa(bits: int) -> bytes:
    """Return the form of an RSA key of this size; its numbers are odd and nothing else."""
    chance = random.Random(bits)
    p, q = ((1 << (bits // 2 - 1)) | (1 << (bits // 2 - 2)) | chance.getrandbits(bits // 2 - 2) | 1 for _ in range(2))
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = [0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    return pem("RSA PRIVATE KEY", seq(*map(der_int, numbers)))


def nested(depth: int) -> bytes:
    """Return sequences in sequences."""
    inner = b""
    for _ in range(depth):
        inner = tlv(0x30, inner)
    return inner
