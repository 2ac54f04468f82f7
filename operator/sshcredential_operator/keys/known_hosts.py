"""Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): read strictly, written in one form."""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

MARKERS: Final = frozenset({"@cert-authority", "@revoked"})
MAX_BYTES: Final = 64 * 1024
_LENGTH: Final = 4


class BadLine(NamedTuple):
    """The first line, counted from 1, that is no line of known_hosts; 0 when the whole text is empty or too long."""

    number: int


def known_hosts(text: str) -> str | BadLine:
    """Return the lines with LF ends and no blanks around them, comments kept; or which line is wrong.

    Every line is `[marker] hosts type base64 [comment]`, and the key is of the type that it says.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return BadLine(0)
    lines = [line.strip(" \t") for line in text.replace("\r\n", "\n").split("\n")]
    for number, line in enumerate(lines, 1):
        if line and not (_is_printable(line) and (line.startswith("#") or _is_host(line))):
            return BadLine(number)
    kept = [line for line in lines if line]
    return "\n".join(kept) + "\n" if any(not line.startswith("#") for line in kept) else BadLine(0)


def _is_host(line: str) -> bool:
    fields = iter(_without_marker(line.replace("\t", " ").split()))
    hosts, key_type, key = (next(fields, "") for _ in range(3))
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    length = int.from_bytes(blob[:_LENGTH], "big")
    return (
        bool(hosts and key_type)
        and blob[_LENGTH : _LENGTH + length] == key_type.encode()
        and len(blob) > _LENGTH + length
    )


def _without_marker(fields: list[str]) -> list[str]:
    return fields[1:] if fields and fields[0] in MARKERS else fields


def _is_printable(line: str) -> bool:
    return line.replace("\t", " ").isprintable()
