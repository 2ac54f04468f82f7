"""Whether an authorized_keys line is what a record says of it. Used by `record_json`; the fingerprint by `ssh`, too."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

from sshcredential_operator.api.algorithms import Algorithm

LINE: Final = re.compile(r"(?=.{1,4096}\Z)([a-z0-9-]+) ([A-Za-z0-9+/]+={0,2})(?: [ -~]+)?")
"""Key type, key, and a comment of printable ASCII, if any."""

_CURVES: Final = (256, 384, 521)
_RSA_LEAST: Final = 2048
_RSA_MOST: Final = 8192


def fingerprint_of(key: bytes) -> str:
    """Return the fingerprint of a public key in SSH wire format, as `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode("ascii")


def key_type(algorithm: Algorithm, bits: int) -> str | None:
    """Return the SSH key type (RFC 4253, 5656, 8709), or None for a size that the algorithm does not have."""
    match algorithm:
        case Algorithm.ED25519:
            return "ssh-ed25519" if bits == 256 else None  # noqa: PLR2004 - the one size
        case Algorithm.ECDSA:
            return f"ecdsa-sha2-nistp{bits}" if bits in _CURVES else None
        case Algorithm.RSA:
            return "ssh-rsa" if _RSA_LEAST <= bits <= _RSA_MOST and bits % 8 == 0 else None


def fits(line: str, algorithm: Algorithm, bits: int, fingerprint: str) -> bool:
    """Tell whether the line is of that algorithm and size and its key has that fingerprint."""
    match = LINE.fullmatch(line)
    if match is None or match[1] != key_type(algorithm, bits):
        return False
    try:
        key = binascii.a2b_base64(match[2], strict_mode=True)
    except binascii.Error:
        return False
    name = match[1].encode("ascii")
    head = len(name).to_bytes(4, "big") + name
    return (
        base64.b64encode(key).decode("ascii") == match[2]
        and key.startswith(head)
        and fingerprint_of(key) == fingerprint
    )
