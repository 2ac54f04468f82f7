"""The fields of a PuTTY file: lines of names and values, and two bodies whose lines are counted. Used by `ppk`."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.refusal import Refusal, corrupt

_START: Final = re.compile(rb"^(?=PuTTY-User-Key-File-)", re.MULTILINE)
_FIRST: Final = re.compile(rb"PuTTY-User-Key-File-([0-9]): ?([!-~]{1,64})")
_COUNT: Final = re.compile(rb"[0-9]{1,4}")
_LAST: Final = (b"Private-MAC", b"Private-Hash")
_NEEDED: Final = (b"Encryption", b"Comment", b"Public-Lines", b"Private-Lines")


@dataclass(frozen=True, slots=True, repr=False)
class PpkFile:
    """A PuTTY file as it is written. `derivation` are the fields about the key derivation, none in version 2."""

    version: int
    key_type: bytes
    encryption: bytes
    comment: bytes
    public: bytes
    private: bytes
    checksum: bytes
    derivation: dict[bytes, bytes] = field(default_factory=dict)


def split_at_starts(text: bytes) -> list[bytes]:
    """Return what comes before the first PuTTY file in a text, and each of these from its first line on."""
    return _START.split(text)


def ppk_file(text: bytes) -> tuple[PpkFile, list[bytes]]:
    """Return the fields of a PuTTY file, and the lines that come after them."""
    lines = [line for line in text.split(b"\n") if line]
    header = _FIRST.fullmatch(lines[0])
    if header is None:
        raise corrupt()
    fields, end = _fields(lines, 1)
    if not all(name in fields for name in _NEEDED):
        raise corrupt()
    encryption, comment, public, private = (fields.pop(name) for name in _NEEDED)
    _, checksum = fields.popitem()
    file = PpkFile(
        version=int(header[1]),
        key_type=header[2],
        encryption=encryption,
        comment=comment,
        public=_decoded(public),
        private=_decoded(private),
        checksum=hex_octets(checksum),
        derivation=fields,
    )
    return file, lines[end:]


def hex_octets(value: bytes) -> bytes:
    """Return the octets of a field in hexadecimal digits."""
    try:
        return bytes.fromhex(value.decode("ascii"))
    except ValueError:
        raise corrupt() from None


def _fields(lines: list[bytes], at: int) -> tuple[dict[bytes, bytes], int]:
    """Return all fields up to the checksum, the last of them, and where the lines after it begin."""
    fields: dict[bytes, bytes] = {}
    while at < len(lines):
        name, colon, value = lines[at].partition(b":")
        at += 1
        if not colon or name in fields:
            raise corrupt()
        value = value.removeprefix(b" ")
        if name.endswith(b"-Lines"):
            count = int(value) if _COUNT.fullmatch(value) else 0
            if at + count > len(lines):
                raise Refusal(KeyRefusal.TRUNCATED)
            value = b"".join(lines[at : at + count])
            at += count
        fields[name] = value
        if name in _LAST:
            return fields, at
    raise Refusal(KeyRefusal.TRUNCATED)


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise corrupt() from None
