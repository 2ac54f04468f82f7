"""BEGIN and END lines: wrong dashes and letters, line breaks that are missing, and no such lines at all."""

from __future__ import annotations

import re
from typing import Final

from sshcredential_operator.keys.formats.shapes import plain_label_of
from sshcredential_operator.keys.openssh import LABEL, MAGIC
from sshcredential_operator.keys.repairs.encoding import undone_base64

_DASH: Final = "-\u2010-\u2015\u2212\u2500\u2e3a\u2e3b\ufe58\ufe63\uff0d\udc96\udc97"
"""Those that look alike; the last two are the dashes of Windows-1252, which are no UTF-8."""

_NEARLY: Final = re.compile(
    rf"[{_DASH}]{{2,10}}[ \t]*(BEGIN|END)[ \t]+((?!SSH2 )[A-Z0-9][A-Z0-9 ./]{{0,62}}?)[ \t]*"
    rf"(?:-{{5}}(?=-{{5}}(?:BEGIN|END))|[{_DASH}]{{2,10}})",
    re.IGNORECASE | re.ASCII,
)
_BOUNDARY: Final = re.compile(r"(-----(?:BEGIN|END) [ -,.-~]{1,64}-----)")
_HEADERS: Final = re.compile(
    r"\s{0,9}Proc-Type:\s{0,9}4,\s{0,9}ENCRYPTED\s{0,9}DEK-Info:\s{0,9}([A-Z0-9-]{3,20}CBC),"
    r"([0-9A-Fa-f]{8,64}(?=\s)|(?<=AES-[0-9]{3}-CBC,)[0-9A-Fa-f]{32}|(?<=DES-EDE3-CBC,)[0-9A-Fa-f]{16})"
)
_LINE: Final = 64


def with_right_boundaries(text: str) -> str:
    """Write each BEGIN and END line with five hyphens and in capitals."""
    return _NEARLY.sub(_right_boundary, text)


def with_lines(text: str) -> str:
    """Put each BEGIN and END on a line of its own, and the headers and the body between them into lines."""
    pieces = _BOUNDARY.split(text)
    laid_out: list[str] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            laid_out.append(piece)
        elif index and pieces[index - 1].startswith("-----BEGIN") and index + 1 < len(pieces):
            laid_out.extend(_body_lines(piece))
        elif outside := piece.removeprefix("\n"):
            laid_out.append(outside.removesuffix("\n"))
    return "\n".join(laid_out) + "\n" if len(pieces) > 1 else text


def with_armour(text: str) -> str:
    """Put BEGIN and END lines round a text that is only the body of a key, unless that is an encrypted PKCS#8."""
    body = undone_base64(text)
    if body is None:
        return text
    label = LABEL if body.startswith(MAGIC) else plain_label_of(body)
    if label is None:
        return text
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def _right_boundary(found: re.Match[str]) -> str:
    return f"-----{found[1].upper()} {' '.join(found[2].upper().split())}-----"


def _body_lines(piece: str) -> list[str]:
    headers = _HEADERS.match(piece)
    if headers is None:
        return _words_in_lines(piece)
    info = ["Proc-Type: 4,ENCRYPTED", f"DEK-Info: {headers[1]},{headers[2]}", ""]
    return info + _words_in_lines(piece[headers.end() :])


def _words_in_lines(piece: str) -> list[str]:
    """Return the lines as they are if there is one word on each; else all letters in lines of the usual length."""
    lines = piece.strip("\n").split("\n")
    letters = "".join(piece.split())
    if ": " in piece or len(letters) == sum(map(len, lines)):
        return lines
    return [letters[start : start + _LINE] for start in range(0, len(letters), _LINE)]
