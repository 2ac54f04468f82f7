"""Reading a spec strictly, field by field. Used by the modules that parse the specs of exports and targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)


class UnfitFieldError(Exception):
    """`field` is the path of the field that does not fit. Never leaves the module that parses."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def mapping(raw: object, field: str) -> Mapping[str, Any]:
    """Return an object's members."""
    if not isinstance(raw, Mapping):
        raise UnfitFieldError(field)
    return raw


def text(raw: object, pattern: re.Pattern[str], field: str) -> str:
    """Return a text that matches as a whole: names become part of a request's path."""
    if not isinstance(raw, str) or pattern.fullmatch(raw) is None:
        raise UnfitFieldError(field)
    return raw


def choice(raw: object, kind: type[_Choice], field: str) -> _Choice:
    """Return the member of an enum that has this value. Compared one by one: a list or an object has no hash."""
    for member in kind:
        if member == raw:
            return member
    raise UnfitFieldError(field)
