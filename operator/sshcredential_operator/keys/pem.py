"""Textual encoding (RFC 7468, and the headers of RFC 1421): the blocks of a repaired file. Used by the recognisers."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.refusal import Refusal, corrupt

_BOUNDARY: Final = re.compile(rb"-----(BEGIN|END) ([ -,.-~]{1,64})-----")
_HALF_BOUNDARY: Final = re.compile(rb"(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY")
_HEADER: Final = re.compile(rb"([A-Za-z0-9-]{1,32}): ?([!-~ ]{0,128})")


@dataclass(frozen=True, slots=True, repr=False)
class Block:
    """What stands between one BEGIN line and its END line."""

    label: str
    headers: tuple[tuple[str, str], ...]
    text: bytes

    def body(self) -> bytes:
        """Return the decoded body."""
        try:
            return base64.b64decode(self.text, validate=True)
        except ValueError:
            raise corrupt() from None


class Armoured(NamedTuple):
    """The blocks of a text, and the lines that stand outside of them."""

    blocks: tuple[Block, ...]
    outside: tuple[bytes, ...]


def armoured(text: bytes) -> Armoured:
    """Return the blocks of a text, each whole."""
    found: list[Block] = []
    outside: list[bytes] = []
    lines, label = outside, b""
    for line in text.splitlines():
        boundary = _BOUNDARY.fullmatch(line)
        if boundary is None:
            lines.append(line)
        elif not label and boundary[1] == b"BEGIN":
            lines, label = [], boundary[2]
        elif label == boundary[2] and boundary[1] == b"END":
            found.append(_block(label, lines))
            lines, label = outside, b""
        else:
            raise Refusal(KeyRefusal.TRUNCATED)
    if label:
        raise Refusal(KeyRefusal.TRUNCATED)
    rest = tuple(line for line in outside if line)
    if any(_HALF_BOUNDARY.search(line) for line in rest):
        raise Refusal(KeyRefusal.TRUNCATED)
    return Armoured(tuple(found), rest)


def _block(label: bytes, lines: list[bytes]) -> Block:
    """Split the headers, which end at a blank line, from the body, which has none."""
    headers: dict[str, str] = {}
    end = lines.index(b"") if b"" in lines else 0
    for line in lines[:end]:
        header = _HEADER.fullmatch(line)
        if header is None or (name := header[1].decode("ascii")) in headers:
            raise corrupt()
        headers[name] = header[2].decode("ascii")
    body = lines[end + 1 :] if headers else lines
    if b"" in body:
        raise corrupt()
    return Block(label.decode("ascii"), tuple(headers.items()), b"".join(body))
