"""The table of what is recognised in a file, in order. A new format is a module here and a line in this table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.formats import armoured, foreign, ppk
from sshcredential_operator.keys.formats.found import Candidate
from sshcredential_operator.keys.refusal import Refusal

RECOGNISERS: Final[tuple[Callable[[bytes], Candidate | None], ...]] = (
    foreign.other_file,
    foreign.public_line,
    ppk.read,
    armoured.read,
    foreign.body_without_armour,
)
"""Each takes the repaired text and returns what it found, or None for the next one to try, or raises a Refusal."""


def recognised(text: bytes) -> Candidate:
    """Return the private key in a repaired text."""
    for recognise in RECOGNISERS:
        if (candidate := recognise(text)) is not None:
            return candidate
    raise Refusal(KeyRefusal.NOT_A_KEY)
