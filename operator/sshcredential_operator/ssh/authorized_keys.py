"""The lines of an authorized_keys file, as bytes, read as sshd reads them (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

Pure. Used by `authorized_edit.py`. What sshd takes for no key is no key here; such a line is still a line, and stays.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NamedTuple

MAX_BYTES: Final = 1024 * 1024
_BLANKS: Final = b" \t"
_LENGTH: Final = 4
_LINE: Final = re.compile(rb"[^\n]*+\n|[^\n]++")
_OPTION: Final = rb'([A-Za-z0-9-]++)(?:="(?:[^"\\]|\\"|\\(?!"))*+")?+'
"""Within quotes `\\"` is a quote and any other backslash is itself."""
_OPTIONS: Final = re.compile(rb"%s(?:,%s)*+(?=[ \t])" % (_OPTION, _OPTION))
_EACH_OPTION: Final = re.compile(_OPTION)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SKIPPED_IN_BASE64: Final = b"\v\f\r"
_OTHER_NAMES: Final = {b"rsa-sha2-256": b"ssh-rsa", b"rsa-sha2-512": b"ssh-rsa"}
"""Signature algorithms that sshd also takes for the type of a key."""


class Key(NamedTuple):
    """A key as it stands in a line: its wire form, and what follows it."""

    blob: bytes
    comment: bytes


class Line(NamedTuple):
    """One line: all of its bytes with the line's end, and what sshd sees in it."""

    raw: bytes
    blob: bytes | None = None
    """The key that logs in by this line, in wire form; None for comments, for what sshd ignores, and for a CA's key."""
    options: bytes = b""
    last_word: bytes = b""
    """What tells whose line it is. Empty for comments, and where there are control characters: nobody's mark then."""


def split_lines(content: bytes) -> list[bytes]:
    """Return the lines, each with its LF but for a last one that has none. A lone CR ends no line for sshd."""
    return _LINE.findall(content)


def parse_line(raw: bytes) -> Line:
    """Return the line of these bytes."""
    seen = raw.partition(b"\0")[0].removesuffix(b"\n").lstrip(_BLANKS)
    if not seen or seen.startswith(b"#"):
        return Line(raw)
    last_word = _last_word(raw)
    if key := parse_key(seen):
        return Line(raw, key.blob, b"", last_word)
    options = _OPTIONS.match(seen)
    key = parse_key(seen[options.end() :].lstrip(_BLANKS)) if options else None
    if options is None or key is None:
        return Line(raw, last_word=last_word)
    names = {match[1].lower() for match in _EACH_OPTION.finditer(options[0])}
    return Line(raw, None if b"cert-authority" in names else key.blob, options[0], last_word)


def parse_key(text: bytes) -> Key | None:
    """Return the key that the text begins with, as `type base64 [comment]`; None when there is none."""
    type_word, rest = _word(text)
    base64_word, comment = _word(rest)
    encoded = base64_word.translate(None, _SKIPPED_IN_BASE64)
    try:
        blob = binascii.a2b_base64(encoded)
    except binascii.Error:
        return None
    if not blob or base64.b64encode(blob) != encoded:
        return None
    length = int.from_bytes(blob[:_LENGTH], "big")
    if blob[_LENGTH : _LENGTH + length] != _OTHER_NAMES.get(type_word, type_word):
        return None
    return Key(blob, comment)


def _word(text: bytes) -> tuple[bytes, bytes]:
    parts = re.split(rb"[ \t]++", text, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else b""


def _last_word(raw: bytes) -> bytes:
    text = raw.rstrip(b" \t\r\n")
    if _CONTROL.search(text):
        return b""
    return text[max(text.rfind(b" "), text.rfind(b"\t")) + 1 :]
