"""How far a rotation is, for people: a bar on a terminal, and lines elsewhere. Used by the commands of `keyring`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import click


class Progress:
    """Shows how many are left of something; the most that were seen count as all."""

    def __init__(self, what: str = "", left: Callable[[Mapping[str, Any]], int] | None = None) -> None:
        self._what, self._left = what, left
        self._most, self._told = 0, ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._left and sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
            from rich.progress import Progress as Bar  # noqa: PLC0415 - the same

            self._bar = Bar(console=Console(stderr=True, highlight=False), transient=False)
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, state: Mapping[str, Any]) -> None:
        """Show what the state says."""
        if self._left is None:
            return
        left = self._left(state)
        self._most = max(self._most, left)
        if self._bar:
            self._bar.update(self._task, total=self._most or None, completed=self._most - left)
        elif self._most and (line := f"{self._what}: {self._most - left} of {self._most} are done") != self._told:
            click.echo(line, err=True)
            self._told = line
