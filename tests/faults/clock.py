"""A clock that can be set ahead within an operator's process, so that nobody waits for hours. Used by `zygote`.

The offset lies in a file, which is read at the start and at SIGUSR1. It moves the clock on the wall and the ones that
nobody sets alike, as time does; with `WALL` before the number, only the one on the wall, as a person does.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

CLOCK_FILE: Final = "FAULTS_CLOCK"
WALL: Final = "wall"
_WALLS: Final = frozenset({"time"})
_CLOCKS: Final = ("time", "monotonic")

_offset = {"all": 0.0, "wall": 0.0}


class _IsDatetime(type):
    def __instancecheck__(cls, found: object) -> bool:
        return isinstance(found, datetime)


class ShiftedDatetime(datetime, metaclass=_IsDatetime):
    """Stands in for `datetime` in our own modules: only `now` is another one, and gives plain values."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one
        """Return the time on the wall."""
        return datetime.now(tz or UTC) + timedelta(seconds=_offset["all"] + _offset["wall"])


def install() -> None:
    """Let this process go by the file that the environment names, if it names one."""
    if file := os.environ.get(CLOCK_FILE):
        for name in _CLOCKS:
            _shift(name)
        original = time.clock_gettime
        time.clock_gettime = lambda which: original(which) + _offset["all"]
        for name, module in list(sys.modules.items()):
            if name.startswith("sshcredential_operator") and vars(module).get("datetime") is datetime:
                vars(module)["datetime"] = ShiftedDatetime
        # The loop is woken by any signal that Python handles: it looks at its timers then.
        signal.signal(signal.SIGUSR1, lambda *_: _read(Path(file)))
        _read(Path(file))


def _shift(name: str) -> None:
    original = getattr(time, name)
    walls = ("all", "wall") if name in _WALLS else ("all",)
    setattr(time, name, lambda: original() + sum(_offset[which] for which in walls))


def _read(file: Path) -> None:
    for word in file.read_text().split():
        which, _, seconds = word.rpartition("=")
        _offset[which] = float(seconds)


def written(*, ahead: float = 0.0, wall: float = 0.0) -> str:
    """Return the content of such a file."""
    return f"all={ahead} wall={wall}"
