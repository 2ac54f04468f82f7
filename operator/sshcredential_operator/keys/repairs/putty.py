"""PuTTY files whose line breaks became blanks or vanished: the names of their fields tell where lines began."""

from __future__ import annotations

import re
from typing import Final

_FOLDED: Final = re.compile(r"PuTTY-User-Key-File-[0-9]: ?[a-z0-9-]{1,32}?[ \t]{0,9}Encryption: ")
_FIELD: Final = re.compile(
    r"[ \t]*((?:Encryption|Comment|(?:Public|Private)-Lines|Key-Derivation|Argon2-[A-Z][a-z]{2,12}|Private-MAC):)"
)
_BODY: Final = re.compile(r"^((?:Public|Private)-Lines: )([0-9A-Za-z+/= \t]+)$", re.MULTILINE)
_LINE: Final = 64


def with_lines(text: str) -> str:
    """Put each field of a folded PuTTY file on a line of its own, and each body into lines."""
    if not _FOLDED.search(text):
        return text
    return _BODY.sub(_with_body_in_lines, _FIELD.sub(r"\n\1", text))


def _with_body_in_lines(found: re.Match[str]) -> str:
    """Tell the number of lines from the body behind it, where there is no blank between them, by the body's length."""
    letters = "".join(found[2].split())
    for digits in (1, 2, 3):
        count, body = letters[:digits], letters[digits:]
        if count.isdigit() and -(-len(body) // _LINE) == int(count):
            lines = (body[start : start + _LINE] for start in range(0, len(body), _LINE))
            return "\n".join([found[1] + count, *lines])
    return found[0]
