"""Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): read strictly, written in one form.

Used by `exports`, which hand the lines out, and by `ssh`, which looks hosts up in them.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

CERT_AUTHORITY: Final = "@cert-authority"
REVOKED: Final = "@revoked"
MARKERS: Final = frozenset({CERT_AUTHORITY, REVOKED})
MAX_BYTES: Final = 64 * 1024
_LENGTH: Final = 4


class BadLine(NamedTuple):
    """The first line, counted from 1, that is no line of known_hosts; 0 when the whole text is empty or too long."""

    number: int


class HostLine(NamedTuple):
    """`[marker] hosts type base64 [comment]`, and its number in the text, from 1. `blob` says the same type."""

    number: int
    marker: str
    hosts: str
    type: str
    blob: bytes


def known_hosts(text: str) -> str | BadLine:
    """Return the lines with LF ends and no blanks around them, comments kept; or which line is wrong."""
    read = host_lines(text)
    return read if isinstance(read, BadLine) else "".join(f"{line}\n" for line in _stripped(text) if line)


def host_lines(text: str) -> tuple[HostLine, ...] | BadLine:
    """Return the lines that say something of a host, at least one; or which line is wrong."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return BadLine(0)
    lines = []
    for number, line in enumerate(_stripped(text), 1):
        read = _host_line(number, line) if _is_printable(line) else None
        if read is not None:
            lines.append(read)
        elif line and not (line.startswith("#") and _is_printable(line)):
            return BadLine(number)
    return tuple(lines) or BadLine(0)


def blob_of(key_type: str, encoded: str) -> bytes | None:
    """Return a public key in wire form as it stands in base64, if it is one of the type that the line says."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    end = _LENGTH + int.from_bytes(blob[:_LENGTH], "big")
    return blob if key_type and blob[_LENGTH:end] == key_type.encode() and len(blob) > end else None


def _stripped(text: str) -> list[str]:
    return [line.strip(" \t") for line in text.replace("\r\n", "\n").split("\n")]


def _host_line(number: int, line: str) -> HostLine | None:
    fields = line.replace("\t", " ").split()
    marker = fields.pop(0) if fields and fields[0] in MARKERS else ""
    hosts, key_type, encoded, *_ = *fields, "", "", ""
    blob = None if hosts.startswith("#") else blob_of(key_type, encoded)
    return None if blob is None else HostLine(number, marker, hosts, key_type, blob)


def _is_printable(line: str) -> bool:
    return line.replace("\t", " ").isprintable()
