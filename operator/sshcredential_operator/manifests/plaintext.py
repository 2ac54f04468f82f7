"""Private keys in the clear, anywhere in a text: raw, indented, escaped, in base64, twice. Used by `inspect`.

Only what has a body counts: a page that names the BEGIN line is no key. Nothing of what is found is kept.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MOST_BYTES: Final = 4 * 1024 * 1024
"""So much of a file is searched."""
_LAYERS: Final = 3
_LONGEST_KEY: Final = 64 * 1024

_ARMOUR: Final = re.compile(rb"-{4,5} ?BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_ARMOUR_END: Final = re.compile(rb"-{4,5} ?END ")
_PUTTY: Final = re.compile(rb"PuTTY-User-Key-File-[123]: ?[a-z0-9@.-]+")
_PUTTY_BODY: Final = re.compile(rb"Private-Lines: ?[0-9]+")
_BARE_OPENSSH: Final = re.compile(rb"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/]{24,}")
_BODY: Final = re.compile(rb"[A-Za-z0-9+/]{40,}")
_FIRST_LINE: Final = re.compile(rb"[A-Za-z0-9+/]{16}")
"""Longer than the words that follow the BEGIN line in a page or a program."""
_HEADERS: Final = re.compile(rb"(?:Proc-Type|DEK-Info|Comment|Subject|Version|X-[A-Za-z-]{1,32}): ?[^\n\\]{0,256}")
_GLUE: Final = re.compile(rb"\\+[nrt]|[\s\\\"',+]{1,64}")
_LEADING_GLUE: Final = re.compile(rb"(?:\\+[nrt]|[\s\\\"',+])*")
"""What stands between the lines of a key: line breaks, also escaped ones, and what joins texts in programs."""
_ENCRYPTED_HEADER: Final = re.compile(rb"Proc-Type: ?4,ENCRYPTED")
_ENCRYPTED_PUTTY: Final = re.compile(rb"Encryption: ?(?!none)[a-z0-9-]")
_OPENSSH_MAGIC: Final = b"openssh-key-v1\0"
_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]{20,}(?:(?:\\n|\s){1,64}[A-Za-z0-9+/_-]{8,})*")
_SHORTEST_RUN: Final = 100


class PrivateKey(NamedTuple):
    """A private key in the clear. Lines count from 1."""

    line: int
    encrypted: bool
    """Whether the key itself is protected by a passphrase."""
    encodings: int
    """How many times base64 was around it."""


def private_keys(content: bytes) -> list[PrivateKey]:
    """Return the private keys in a file's content, in the order of their lines."""
    text = _utf8(content[:MOST_BYTES])
    lines = sorted(_search(text, 0), key=lambda found: found[0])
    seen: dict[int, PrivateKey] = {}
    for place, key in lines:
        line = text.count(b"\n", 0, place) + 1
        seen.setdefault(line, key._replace(line=line))
    return list(seen.values())


def _utf8(content: bytes) -> bytes:
    """Editors and shells of Windows write UTF-16."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", errors="replace").encode()
    return content


def _search(text: bytes, layer: int) -> Iterator[tuple[int, PrivateKey]]:
    taken: list[tuple[int, int]] = []
    for start, end, encrypted in (*_armoured(text), *_putty(text)):
        taken.append((start, end))
        yield start, PrivateKey(0, encrypted, layer)
    for bare in _BARE_OPENSSH.finditer(text):
        if not _within(bare.start(), taken):
            taken.append(bare.span())
            yield bare.start(), PrivateKey(0, _is_encrypted_openssh(bare[0]), layer)
    if layer == _LAYERS:
        return
    for run in _RUN.finditer(text):
        if len(run[0]) >= _SHORTEST_RUN and not _within(run.start(), taken):
            for _, key in _search(_decoded(run[0]), layer + 1):
                yield run.start(), key


def _within(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _armoured(text: bytes) -> Iterator[tuple[int, int, bool]]:
    for begin in _ARMOUR.finditer(text):
        window = text[begin.end() : begin.end() + _LONGEST_KEY]
        end = _ARMOUR_END.search(window)
        inside = window[: end.start()] if end else window
        if body := _body(_HEADERS.sub(b"", inside)):
            encrypted = b"ENCRYPTED" in begin[0] or bool(_ENCRYPTED_HEADER.search(inside))
            yield begin.start(), begin.end() + len(inside), encrypted or _is_encrypted_openssh(body)


def _putty(text: bytes) -> Iterator[tuple[int, int, bool]]:
    for begin in _PUTTY.finditer(text):
        window = text[begin.end() : begin.end() + _LONGEST_KEY]
        body = _PUTTY_BODY.search(window)
        if body and _body(window[body.end() :]):
            encrypted = bool(_ENCRYPTED_PUTTY.search(window[: body.start()]))
            yield begin.start(), begin.end() + body.end(), encrypted


def _body(text: bytes) -> bytes:
    """Return the base64 that a text begins with, after what stands between lines; empty where it is none."""
    glue = _LEADING_GLUE.match(text)
    start = text[glue.end() if glue else 0 :].replace(b"\\/", b"/")
    body = _BODY.match(_GLUE.sub(b"", start)) if _FIRST_LINE.match(start) else None
    return body[0] if body else b""


def _is_encrypted_openssh(body: bytes) -> bool:
    """The cipher's name follows the magic word (PROTOCOL.key)."""
    head = _decoded(body[:64])
    return head.startswith(_OPENSSH_MAGIC) and not head[len(_OPENSSH_MAGIC) + 4 :].startswith(b"none")


def _decoded(run: bytes) -> bytes:
    text = re.sub(rb"\\n|\s", b"", run).translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(text[: len(text) // 4 * 4])
