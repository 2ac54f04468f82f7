"""What programs put round a file, or make of its line breaks: quotes, JSON, mail quoting, a literal backslash and n."""

from __future__ import annotations

import json
import re
from typing import Final

_PAIRS: Final = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\u00ab\u00bb")
_MOST_PAIRS: Final = 3
_FIRST_LINE: Final = re.compile(
    r"[-\u2010-\u2015\u2212]{2}(?:\\r)?\\n|PuTTY-User-Key-File-[0-9]: [a-z0-9-]{1,30}(?:\\r)?\\n"
)
_QUOTED_BEGIN: Final = re.compile(r"^[ \t]*>[> \t]*(?:[-\u2010-\u2015\u2212]{2}|PuTTY-User-Key-File-)", re.MULTILINE)
_QUOTING: Final = re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE)


def without_quotes(text: str) -> str:
    """Take off quotes that stand round the whole text; what is in a JSON string is read as that."""
    for _ in range(_MOST_PAIRS):
        inner = text.strip()
        if len(inner) < len(_PAIRS[0]) or inner[0] + inner[-1] not in _PAIRS:
            return text
        text = _json_string(inner) or inner[1:-1]
    return text


def with_real_newlines(text: str) -> str:
    r"""Turn a literal `\n` into a newline, where a first line ends with one. No format has a backslash otherwise."""
    if not _FIRST_LINE.search(text):
        return text
    return text.replace(r"\r\n", "\n").replace(r"\n", "\n").replace("\\\n", "\n")


def without_mail_quoting(text: str) -> str:
    """Take the `>` off all lines, if it stands before a first line."""
    return _QUOTING.sub("", text) if _QUOTED_BEGIN.search(text) else text


def _json_string(text: str) -> str | None:
    try:
        value = json.loads(text, strict=False) if text[0] == '"' else None
    except ValueError:
        return None
    return value if isinstance(value, str) else None
