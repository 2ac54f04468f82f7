"""Undoes what editors, terminals, mail programs and YAML do to a key file, and says so. Used by `judge`.

Nothing here guesses at a letter of a key: only white space, quoting and the BEGIN and END lines are put right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.keys.repairs import armour, putty, quoting, space
from sshcredential_operator.keys.repairs.encoding import decoded, encoded, undone_base64

MOST_BASE64_LAYERS: Final = 2
_STARTS: Final = ("-----BEGIN ", "PuTTY-User-Key-File-")


class Repair(NamedTuple):
    """One thing that is undone. `mend` returns a text that has no such damage unchanged."""

    damage: str
    note: Note
    mend: Callable[[str], str]


class Repaired(NamedTuple):
    """A text as `REPAIRS` leave it: each line without blanks at its ends, an LF after each, or nothing at all."""

    text: bytes
    notes: frozenset[Note]

    def __repr__(self) -> str:
        return "Repaired(***)"


REPAIRS: Final[tuple[Repair, ...]] = (
    Repair("line ends of Windows or of an old Macintosh", Note.LINE_ENDINGS_REPAIRED, space.with_newlines),
    Repair("no-break, zero-width and other odd blanks", Note.WHITESPACE_REPAIRED, space.with_plain_blanks),
    Repair("quotes round the file, or a JSON string", Note.QUOTES_REMOVED, quoting.without_quotes),
    Repair("`>` before each line, as in an answered mail", Note.QUOTES_REMOVED, quoting.without_mail_quoting),
    Repair(r"a literal `\n` for each line break", Note.NEWLINES_RESTORED, quoting.with_real_newlines),
    Repair(
        "indentation, blanks at line ends, empty lines before and after, a missing last newline",
        Note.WHITESPACE_REPAIRED,
        space.without_surrounding_space,
    ),
    Repair(
        "typographic dashes, four dashes, or small letters in the BEGIN and END lines",
        Note.HEADER_REPAIRED,
        armour.with_right_boundaries,
    ),
    Repair("empty lines inside", Note.WHITESPACE_REPAIRED, space.without_empty_lines_inside),
    Repair("line breaks that became blanks, or vanished", Note.NEWLINES_RESTORED, armour.with_lines),
    Repair("the same in a PuTTY file", Note.NEWLINES_RESTORED, putty.with_lines),
    Repair("no BEGIN and END lines round an obvious body", Note.ARMOUR_RESTORED, armour.with_armour),
)
"""In the order in which they are undone. Before them the encoding, and base64 round the whole file."""


def repaired(file: bytes, base64_layers: int = MOST_BASE64_LAYERS) -> Repaired:
    """Return the text of a file with all damage of the table undone."""
    text = decoded(file)
    notes = set[Note]() if encoded(text) == file else {Note.ENCODING_REPAIRED}
    for repair in REPAIRS:
        mended = repair.mend(text)
        if mended != text:
            notes.add(repair.note)
        text = mended
    if base64_layers and not any(start in text for start in _STARTS):
        inner = _inside_base64(text, base64_layers)
        if inner is not None:
            return inner._replace(notes=inner.notes | notes | {Note.BASE64_REMOVED})
    return Repaired(encoded(text), frozenset(notes))


def _inside_base64(text: str, layers: int) -> Repaired | None:
    """Return the file that a text holds in base64, if that has the look of a key file."""
    file = undone_base64(text)
    inner = None if file is None else repaired(file, layers - 1)
    return inner if inner and any(start.encode() in inner.text for start in _STARTS) else None
