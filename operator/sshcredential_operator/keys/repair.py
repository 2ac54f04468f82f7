"""Undoes what editors, terminals and YAML do to the white space of a key file, and says so. Used by `judge`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.keyreasons import Note

_BOM: Final = b"\xef\xbb\xbf"
_BLANKS: Final = b" \t"


@dataclass(frozen=True, slots=True, repr=False)
class Repaired:
    """Lines without blanks at their ends, an LF after each, the first and the last not empty; or nothing at all."""

    text: bytes
    notes: tuple[Note, ...]


def repaired(file: bytes) -> Repaired:
    """Return the file with its line ends and its surrounding white space put right."""
    lines_right = _with_newlines(file)
    space_right = _without_surrounding_space(lines_right)
    notes = {
        Note.LINE_ENDINGS_REPAIRED: lines_right != file,
        Note.WHITESPACE_REPAIRED: space_right != lines_right,
    }
    return Repaired(space_right, tuple(note for note, applies in notes.items() if applies))


def _with_newlines(text: bytes) -> bytes:
    """Turn CR, LF and LF after any number of CRs into LF. Not by a pattern, which many CRs would make slow."""
    *ended, last = text.split(b"\n")
    return b"\n".join([*(line.rstrip(b"\r") for line in ended), last]).replace(b"\r", b"\n")


def _without_surrounding_space(text: bytes) -> bytes:
    lines = (line.strip(_BLANKS) for line in text.removeprefix(_BOM).split(b"\n"))
    inner = b"\n".join(lines).strip(b"\n")
    return inner + b"\n" if inner else b""
