"""What of a key must not get out, as bytes to search for. Used by `test_leaks`."""

from __future__ import annotations

from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from cluster.encodings import SHORTEST

NOWHERE: Final = ""
ANYWHERE: Final = "*"
SAME_FOR_ALL: Final = b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"
"""How the body of every unencrypted OpenSSH file begins; its first line tells the kind of key and no more."""


class Needle(NamedTuple):
    """Something secret. `owner` is the one Secret that may hold it, as `hiding_places` names it; NOWHERE; ANYWHERE."""

    what: str
    owner: str


Needles = dict[Needle, bytes]


def of_file(what: str, file: bytes, owner: str, *, public: str = "") -> Needles:
    """Return the lines of a private key file that are not the same for all, nor part of its public line."""
    return {
        Needle(f"{what}: line {number}", owner): line
        for number, line in enumerate(file.splitlines())
        if len(line) >= SHORTEST and not line.startswith((b"-----", SAME_FOR_ALL)) and line.decode() not in public
    }


def of_numbers(what: str, file: bytes, owner: str) -> Needles:
    """Return the numbers of an unencrypted OpenSSH file that are not public, as they lie in it."""
    found = {Needle(f"{what}: {name}", owner): number for name, number in _numbers(file).items()}
    assert found
    return found


def of_words(what: str, words: str | bytes, owner: str) -> Needles:
    """Return a passphrase."""
    return {Needle(what, owner): words if isinstance(words, bytes) else words.encode()}


def _numbers(file: bytes) -> dict[str, bytes]:
    match load_ssh_private_key(file, None):
        case ed25519.Ed25519PrivateKey() as key:
            return {"seed": key.private_bytes_raw()}
        case ec.EllipticCurvePrivateKey() as key:
            return {"scalar": _octets(key.private_numbers().private_value)}
        case rsa.RSAPrivateKey() as key:
            numbers = key.private_numbers()
            return {"d": _octets(numbers.d), "p": _octets(numbers.p), "q": _octets(numbers.q)}
    return {}


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
