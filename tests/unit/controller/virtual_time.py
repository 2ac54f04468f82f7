"""An event loop whose clock jumps to the next timer: minutes of waiting in no time, and the same every time.

And coroutines that can be frozen, as SIGSTOP freezes a process: nothing of them runs, while clocks and timers go on.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Never sleeps. Where nothing is left to wait for, it says so instead of hanging."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("everybody waits for something that never comes")
        self._now += seconds


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout != 0:
            self._loop.jump(timeout)
        return events


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario in virtual time, from 0 on."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)


class Freezable:
    """Runs a coroutine, but not while it is frozen: then what it waited for, and its timeouts, reach it afterwards."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._steps = coroutine.__await__()
        self._thawed = asyncio.Event()
        self._thawed.set()

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def run(self) -> Any:
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        thrown: BaseException | None = None
        while True:
            try:
                step = self._steps.throw(thrown) if thrown else next(self._steps)
            except StopIteration as end:
                return end.value
            thrown = None
            try:
                yield step
            except BaseException as error:  # noqa: BLE001 - handed on to whom it is meant for
                thrown = error
            while not self._thawed.is_set():
                try:
                    yield from self._thawed.wait().__await__()
                except asyncio.CancelledError as error:
                    thrown = error
