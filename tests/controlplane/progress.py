"""Tells a person on standard error how long work goes on already. Used by the builder, whose work takes minutes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

PLAIN_INTERVAL: Final = 10.0
TERMINAL_INTERVAL: Final = 1.0
PREFIX: Final = "controlplane: "


def say(text: str) -> None:
    """Write one line to standard error; standard output belongs to what a shell may evaluate."""
    print(PREFIX + text, file=sys.stderr, flush=True)


class Progress:
    """One line that is rewritten every second on a terminal; a new line every ten seconds elsewhere."""

    def __init__(self, what: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._interval = TERMINAL_INTERVAL if self._terminal else PLAIN_INTERVAL
        self._started = clock()
        self._due = self._started + self._interval

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return self._clock() - self._started

    def tick(self, detail: str) -> None:
        """Show the present state, if it is time to. To be called at least once a second."""
        now = self._clock()
        if now >= self._due:
            self._due = now + self._interval
            self._write(f"{self._what}: {self.elapsed:.0f} s, {detail}")

    def finish(self, outcome: str) -> None:
        """Replace the line by the outcome."""
        self._write(f"{self._what}: {outcome} after {self.elapsed:.0f} s")
        if self._terminal:
            self._stream.write("\n")

    def _write(self, text: str) -> None:
        clear, end = ("\r\x1b[K", "") if self._terminal else ("", "\n")
        self._stream.write(f"{clear}{PREFIX}{text}{end}")
        self._stream.flush()
