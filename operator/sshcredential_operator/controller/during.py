"""Which pass a log record belongs to. Set by `worker.py` around each pass, put on every record by `logs.py`.

It follows the pass into whatever it calls or starts, so that no call site has to name it.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

_PROCESS: Final = secrets.token_hex(3)
_NUMBERS: Final = itertools.count(1)


class During(NamedTuple):
    """The pass, as the fields of a log record."""

    reconcile: str
    """Of this pass alone, in this process and in any other."""
    kind: str
    namespace: str
    name: str
    generation: int | None
    """What was known of the object when the pass began; None for one that is not known, or gone."""


_current: ContextVar[During | None] = ContextVar("during", default=None)
current: Final = _current.get


@contextmanager
def during(kind: str, namespace: str, name: str, generation: int | None) -> Iterator[None]:
    """Let all records of this block, and of the tasks that it starts, belong to one new pass."""
    before = _current.set(During(f"{_PROCESS}-{next(_NUMBERS)}", kind, namespace, name, generation))
    try:
        yield
    finally:
        _current.reset(before)
