"""Whether a text is one of the catalogue's, with its facts filled in. Used by the targets' properties."""

from __future__ import annotations

import re
from functools import cache

from sshcredential_operator.api.messages import CATALOGUE, MESSAGE_LIMIT
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.text import Text

_PLACE = re.compile(r"\\\{[a-z_]+\\\}")
REMARKED = frozenset({Reason.AVAILABLE})
"""After the text of these come remarks."""


@cache
def _pattern(text: Text) -> re.Pattern[str]:
    """Return what matches the text with any facts in it: names, numbers and words, of printable characters."""
    template = re.escape(f"{text.says} {text.do}".strip())
    return re.compile(_PLACE.sub(lambda _: ".{0,300}?", template), re.DOTALL)


def require_catalogue_text(reason: Reason, text: str) -> None:
    """Fail unless the text is that of the reason, on one line, with nothing in it that a terminal obeys."""
    assert text.isprintable(), f"control characters in the message of {reason.value}"
    assert len(text.encode()) <= MESSAGE_LIMIT, f"the message of {reason.value} is too long"
    fits = _pattern(CATALOGUE[reason])
    found = fits.match(text) if reason in REMARKED else fits.fullmatch(text)
    assert found, f"the message of {reason.value} is not the catalogue's"
