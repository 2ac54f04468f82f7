"""One instance of a value that thousands of objects have, such as a reason, a time or a rotation's settings.

Used where objects that stay in memory are parsed: a parser makes each text anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, TypeVar, cast

_T = TypeVar("_T")

KEPT: Final = 2048
"""As many as this are known; who asks for another one then may have an instance of its own."""


def shared(value: _T) -> _T:
    """Return an equal value of the same type, the same one for all that ask; it must be frozen and hashable."""
    return cast("_T", _known(value))


@lru_cache(KEPT, typed=True)
def _known(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value
