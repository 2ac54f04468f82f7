"""JSON in exactly one spelling, read strictly. Used by everything that is stored: envelope, record, key ring documents.

The spelling: UTF-8 without a byte order mark, no blanks, no escapes that JSON does not demand, no repeated names,
integers of 64 bits, no special numbers. Anything else, and anything that a caller does not expect, is `Malformed`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

import orjson

_Choice = TypeVar("_Choice", bound=StrEnum)


class Malformed(Exception):
    """What was read does not fit. Says no more: callers turn it into None."""


def write(value: object) -> bytes:
    """Return the one spelling of a value; members keep their order."""
    return orjson.dumps(value)


def read(data: bytes, limit: int) -> object:
    """Return the value of at most `limit` bytes in the one spelling, or raise Malformed.

    Writing what was read and comparing finds blanks, repeated names, other escapes and lost digits, all at once.
    """
    if len(data) > limit:
        raise Malformed
    try:
        value: object = orjson.loads(data)
        exact = orjson.dumps(value) == data
    except (ValueError, TypeError):  # orjson's two kinds of errors, nesting included
        raise Malformed from None
    if not exact:
        raise Malformed
    return value


def members(value: object, *names: str) -> list[object]:
    """Return the members of an object that has exactly these, in this order."""
    if not isinstance(value, dict) or tuple(value) != names:
        raise Malformed
    return list(value.values())


def items(value: object, most: int) -> list[object]:
    """Return the items of a list of at most `most`."""
    if not isinstance(value, list) or len(value) > most:
        raise Malformed
    return value


def text(value: object, pattern: re.Pattern[str]) -> str:
    """Return a string that the whole pattern matches."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise Malformed
    return value


def number(value: object, least: int, most: int) -> int:
    """Return an integer between two bounds, both included."""
    if type(value) is not int or not least <= value <= most:
        raise Malformed
    return value


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise Malformed
    return value


def choice(value: object, kind: type[_Choice]) -> _Choice:
    """Return the member of an enum that has this value."""
    if not isinstance(value, str):
        raise Malformed
    try:
        return kind(value)
    except ValueError:
        raise Malformed from None
