"""The queue of credentials or exports to look at: each at most once, one worker at a time for each, namespaces in turn.

Fed by `shell.py` and by timers, emptied by `worker.py`. A pass that needs costly work on keys ends at once, and its
credential waits for one of few places in a lane of its own: whatever floods that lane, who needs no such work does not
wait for it, and no namespace takes all of its places.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic

from sshcredential_operator.controller.lanes import Key, Lane

WORKERS: Final = 16
"""So many passes run at once, beside those that work on keys. Each keeps one connection to the API server busy."""
SHARE: Final = 12
"""How many of them may be of one namespace."""
KEY_PLACES: Final = 3
"""So many passes make RSA keys, or judge what users bring, at once."""
KEY_SHARE: Final = 2
"""How many of them may be of one namespace, so that another finds a free place."""

BACKOFF_FIRST: Final = 0.1
BACKOFF_MOST: Final = 5.0
TIMER_MOST: Final = 3600.0
"""Longest timer in seconds: far dates are looked at again every hour, so that a changed wall clock is noticed."""


class Next(Enum):
    """What follows a pass that is running."""

    NOTHING = "nothing"
    ANOTHER_PASS = "another pass"
    A_PASS_WITH_A_PLACE = "a pass with a place for work on keys"


class WorkQueue(Generic[Key]):
    """An asyncio queue with the properties above.

    At most `places` quick passes run at once, of one namespace at most `share`.
    """

    def __init__(self, *, places: int = WORKERS, share: int = SHARE) -> None:
        self._quick = Lane[Key](places=places, share=share)
        self._costly = Lane[Key](places=KEY_PLACES, share=KEY_SHARE)
        self.on_begin: Callable[[float], None] = lambda _: None
        """Told for each pass how many seconds it was waited for."""
        self._running: dict[Key, Next] = {}
        self._with_place: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._idle_workers: deque[asyncio.Future[None]] = deque()
        self._went_idle = asyncio.Event()
        self._closed = False
        self._may_begin: Callable[[], bool] = lambda: True

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Hand out nothing while `permitted` says no; what comes meanwhile waits. `resume` must follow each yes."""
        self._may_begin = permitted

    def resume(self) -> None:
        """Go on: what has waited begins to count as waiting now."""
        for lane in (self._quick, self._costly):
            lane.count_from(time.monotonic())
        while self._idle_workers:
            self._wake_one()

    def add(self, key: Key) -> None:
        """Ask for a pass. One that is running is followed by another.

        Who waits for a place is looked at at once: what has changed may need none.
        """
        if key in self._running:
            if self._running[key] is Next.NOTHING:
                self._running[key] = Next.ANOTHER_PASS
        elif key not in self._quick:
            self._quick.add(key, self._costly.remove(key) or time.monotonic())
            self._wake_one()

    def add_for_key_work(self, key: Key) -> None:
        """Let the pass that is running be followed by one that has a place for costly work on keys."""
        self._running[key] = Next.A_PASS_WITH_A_PLACE

    def has_place(self, key: Key) -> bool:
        """Whether the pass that is running may do costly work on keys."""
        return key in self._with_place

    def add_later(self, key: Key, seconds: float) -> None:
        """Ask for a pass in so many seconds; an earlier one that is already asked for stays."""
        loop = asyncio.get_running_loop()
        when = loop.time() + min(seconds, TIMER_MOST)
        timer = self._timers.get(key)
        if timer and timer.when() <= when:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_at(when, self._due, key)

    def add_after_failure(self, key: Key, at_least: float | None = None) -> None:
        """Ask for another try: 0.1 s, doubled each time up to 5 s, with jitter; later if the server asked for it."""
        failures = self._failures[key] = self._failures.get(key, -1) + 1
        ceiling = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures, 10))
        delay = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter
        self.add_later(key, max(delay, min(at_least or 0.0, 60.0)))

    def failures(self, key: Key) -> int:
        """How many passes in a row have failed."""
        return self._failures.get(key, -1) + 1

    def succeeded(self, key: Key) -> None:
        """Forget earlier failures."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Return the next credential; `done` must follow."""
        while True:
            key = self._next() if self._may_begin() and not self._closed else None
            if key is not None:
                return key
            sleeper = asyncio.get_running_loop().create_future()
            self._idle_workers.append(sleeper)
            await sleeper

    def done(self, key: Key) -> None:
        """End the pass that `get` began."""
        follows = self._running.pop(key)
        (self._costly if key in self._with_place else self._quick).end(key)
        self._with_place.discard(key)
        if not self._running:
            self._went_idle.set()
        if follows is Next.ANOTHER_PASS:
            self.add(key)
        elif follows is Next.A_PASS_WITH_A_PLACE:
            self._costly.add(key, time.monotonic())
        self._wake_one()  # there is a free place, or a new one who waits

    def close(self) -> None:
        """Hand out nothing more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    async def idle(self) -> None:
        """Wait until no pass is running."""
        while self._running:
            self._went_idle.clear()
            await self._went_idle.wait()

    def __contains__(self, key: Key) -> bool:
        """Whether a pass over it is running, or somebody waits for one."""
        return key in self._running or key in self._quick or key in self._costly

    def __len__(self) -> int:
        return len(self._quick) + len(self._costly)

    @property
    def running(self) -> int:
        """How many passes are running."""
        return len(self._running)

    @property
    def age(self) -> float:
        """Seconds that the longest waiting credential has waited."""
        if not self._may_begin():
            return 0.0
        since = [lane.oldest for lane in (self._quick, self._costly) if lane.oldest is not None]
        return time.monotonic() - min(since) if since else 0.0

    def _next(self) -> Key | None:
        key = self._quick.begin()
        if key is None:
            key = self._costly.begin()
            if key is None:
                return None
            self._with_place.add(key)
        self._running[key] = Next.NOTHING
        self.on_begin(time.monotonic() - (self._costly if key in self._with_place else self._quick).since)
        return key

    def _wake_one(self) -> None:
        while self._idle_workers:
            sleeper = self._idle_workers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
