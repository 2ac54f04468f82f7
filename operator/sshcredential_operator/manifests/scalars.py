"""What kubectl takes a plain YAML scalar for: YAML 1.1 as Go's library reads it. Used by `documents`.

It differs from PyYAML's: `y` is true, `1:30` and dates are texts, `1e3` is a number.
"""

from __future__ import annotations

import math
import re
from typing import Final

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO: Final = re.compile(r"([-+]?)0([0-7]+)")
_MOST_DIGITS: Final = 400


def plain_scalar(text: str) -> Scalar:
    """Return the value of a scalar without quotes or tag."""
    if text in _WORDS:
        return _WORDS[text]
    number = text.replace("_", "")
    if len(number) > _MOST_DIGITS or not number or text[0] == "_":
        return text
    if _INTEGER.fullmatch(number):
        return int(_LEADING_ZERO.sub(r"\g<1>0o\2", number, count=1) if _LEADING_ZERO.fullmatch(number) else number, 0)
    if _FLOAT.fullmatch(text):
        return _float(float(text))
    return text


def _float(number: float) -> Scalar:
    """Go writes a whole number without its fraction on the way to JSON."""
    whole = math.isfinite(number) and number.is_integer() and abs(number) < 10**21
    return int(number) if whole else number
