"""White space: line ends, blanks and indentation, empty lines, characters that cannot be seen."""

from __future__ import annotations

from typing import Final

_BLANKS: Final = " \t"
_COMMENT: Final = "Comment: "
"""PuTTY's checksum covers its comment, so that line's inside stays as it is."""

_AS_BLANK: Final = (0x00A0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_AS_NOTHING: Final = (0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF)
_AS_NEWLINE: Final = (0x000B, 0x000C, 0x0085, 0x2028, 0x2029)
_UNSEEN: Final = dict.fromkeys(_AS_BLANK, " ") | dict.fromkeys(_AS_NOTHING, "")
_NEWLINES: Final = dict.fromkeys(_AS_NEWLINE, "\n")
_SEEN_AS_NOTHING: Final = "".join(map(chr, _UNSEEN))
_LAST_HEADER: Final = "DEK-Info:"


def with_newlines(text: str) -> str:
    """Turn CR, LF and LF after any number of CRs into LF. Not by a pattern, which many CRs would make slow."""
    *ended, last = text.split("\n")
    return "\n".join([*(line.rstrip("\r") for line in ended), last]).replace("\r", "\n")


def with_plain_blanks(text: str) -> str:
    """Turn no-break and other odd blanks into usual ones, and take out what has no width."""
    if text.isascii() and "\x0b" not in text and "\x0c" not in text:
        return text
    lines = text.translate(_NEWLINES).split("\n")
    return "\n".join(
        line.strip(_SEEN_AS_NOTHING) if line.startswith(_COMMENT) else line.translate(_UNSEEN) for line in lines
    )


def without_surrounding_space(text: str) -> str:
    """Take off blanks at both ends of each line, empty lines at both ends of the text, and NULs at its end."""
    lines = (line.strip(_BLANKS) for line in text.rstrip("\0").split("\n"))
    inner = "\n".join(lines).strip("\n")
    return inner + "\n" if inner else ""


def without_empty_lines_inside(text: str) -> str:
    """Take empty lines out of what stands between BEGIN and END, but for the one that ends the headers."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith(("-----BEGIN ", "-----END ")):
            inside = line.startswith("-----BEGIN ")
        if line or not inside or kept[-1].startswith(_LAST_HEADER):
            kept.append(line)
    return "\n".join(kept)
