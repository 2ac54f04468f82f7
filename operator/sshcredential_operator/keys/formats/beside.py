"""What stands beside a private key in its file: public halves, which must be its own, and anything else."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Final

from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.keys.formats import spki
from sshcredential_operator.keys.formats.found import Candidate, Found, noted
from sshcredential_operator.keys.pem import Block
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.wire import string

KEY_TYPES: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")
CERTIFICATE_TYPE: Final = b"-cert-v01@openssh.com"
_BLOB_START: Final = b"AAAA"
"""Base64 of the three high octets of a length: so begins every public key."""

_FOREIGN: Final = b"\0"
"""A public half that cannot be read is not that of any key that is taken."""


def held_to(key: Candidate, blocks: Iterable[Block], lines: Iterable[bytes]) -> Candidate:
    """Return the key, to be held to the public halves that stand beside it; and note them, and whatever else does."""
    found = [*map(_of_block, blocks), *map(_of_line, lines)]
    halves = tuple(half for half in found if half is not None)
    notes = [Note.PUBLIC_HALF_REMOVED] * bool(halves) + [Note.TEXT_REMOVED] * (None in found)
    key = noted(key, *notes)
    if isinstance(key, Found):
        return replace(key, beside=halves)
    unlock = key.unlock
    return replace(key, unlock=lambda passphrase: replace(unlock(passphrase), beside=halves))


def key_type_and_blob(line: bytes) -> tuple[bytes, bytes] | None:
    """Return the words of a line of `id_*.pub`, `authorized_keys` or `known_hosts` that are the key, else None."""
    for key_type, blob in pairwise(line.split()):
        if key_type.startswith(KEY_TYPES) and blob.startswith(_BLOB_START):
            return key_type, blob
    return None


def _of_line(line: bytes) -> bytes | None:
    found = key_type_and_blob(line)
    if found is None or found[0].endswith(CERTIFICATE_TYPE):
        return None
    try:
        blob = base64.b64decode(found[1], validate=True)
    except ValueError:
        return _FOREIGN
    return blob if blob.startswith(string(found[0])) else _FOREIGN


def _of_block(block: Block) -> bytes | None:
    read = spki.READERS.get(block.label)
    if read is None:
        return None
    try:
        return read(block.body())
    except Refusal:
        return _FOREIGN
