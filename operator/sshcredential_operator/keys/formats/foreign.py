"""Other things that people paste where a private key is asked for. Each is named, so that the answer can help."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.formats.shapes import label_of
from sshcredential_operator.keys.openssh import MAGIC
from sshcredential_operator.keys.refusal import Refusal

_OPENINGS: Final = {
    b"PuTTY-User-Key-File-": KeyRefusal.PPK_FORMAT,
    b"---- BEGIN SSH2 PUBLIC KEY ----": KeyRefusal.PUBLIC_KEY,
    b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----": KeyRefusal.UNSUPPORTED_KEY_TYPE,
    b"SSH PRIVATE KEY FILE FORMAT 1.1": KeyRefusal.UNSUPPORTED_KEY_TYPE,
    b"-----BEGIN PGP PRIVATE KEY BLOCK-----": KeyRefusal.UNSUPPORTED_KEY_TYPE,
}
_PUBLIC_TYPES: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")
_CERTIFICATE_TYPE: Final = b"-cert-v01@openssh.com"
_BLOB_START: Final = b"AAAA"
"""Base64 of the three high octets of a length: so begins every public key."""


def other_file(text: bytes) -> None:
    """Refuse the formats that begin with a line of their own."""
    for opening, reason in _OPENINGS.items():
        if text.startswith(opening):
            raise Refusal(reason)


def public_line(text: bytes) -> None:
    """Refuse a line of `id_*.pub`, `authorized_keys` or `known_hosts`."""
    if b"-----BEGIN" in text:
        return
    line = next((line for line in text.splitlines() if not line.startswith(b"#")), b"")
    words = line.split()
    for key_type, blob in pairwise(words):
        if key_type.startswith(_PUBLIC_TYPES) and blob.startswith(_BLOB_START):
            certificate = key_type.endswith(_CERTIFICATE_TYPE)
            raise Refusal(KeyRefusal.CERTIFICATE if certificate else KeyRefusal.PUBLIC_KEY)


def body_without_armour(text: bytes) -> None:
    """Refuse the middle of a key file, as it is copied without its first and last line."""
    try:
        body = base64.b64decode(text.replace(b"\n", b""), validate=True)
    except ValueError:
        return
    if body.startswith(MAGIC) or label_of(body):
        raise Refusal(KeyRefusal.TRUNCATED)
