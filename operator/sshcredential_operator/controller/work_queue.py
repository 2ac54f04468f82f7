"""The queue of credentials to look at: each at most once, one worker at a time for each, namespaces in turn.

Fed by `shell.py` and by timers, emptied by `worker.py`. A flood in one namespace delays another by at most the passes
that are already running: namespaces are served round robin, and one may not take all workers.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.names import CredentialKey, Namespace

BACKOFF_FIRST: Final = 0.1
BACKOFF_MOST: Final = 5.0
TIMER_MOST: Final = 3600.0
"""Longest timer in seconds: far dates are looked at again every hour, so that a changed wall clock is noticed."""


class WorkQueue:
    """An asyncio queue with the properties above. `share` is how many passes of one namespace may run at once."""

    def __init__(self, *, share: int) -> None:
        self._share = share
        self._waiting: OrderedDict[Namespace, deque[CredentialKey]] = OrderedDict()
        self._since: dict[CredentialKey, float] = {}
        self._running: dict[CredentialKey, bool] = {}
        self._in_namespace: dict[Namespace, int] = {}
        self._timers: dict[CredentialKey, asyncio.TimerHandle] = {}
        self._failures: dict[CredentialKey, int] = {}
        self._idle_workers: deque[asyncio.Future[None]] = deque()
        self._went_idle = asyncio.Event()
        self._closed = False
        self._may_begin: Callable[[], bool] = lambda: True

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Hand out nothing while `permitted` says no; what comes meanwhile waits. `resume` must follow each yes."""
        self._may_begin = permitted

    def resume(self) -> None:
        """Go on: what has waited begins to count as waiting now."""
        self._since = dict.fromkeys(self._since, time.monotonic())
        while self._idle_workers:
            self._wake_one()

    def add(self, key: CredentialKey) -> None:
        """Ask for a pass. One that is running is followed by another."""
        if key in self._running:
            self._running[key] = True
        elif key not in self._since:
            self._since[key] = time.monotonic()
            self._waiting.setdefault(key.namespace, deque()).append(key)
            self._wake_one()

    def add_later(self, key: CredentialKey, seconds: float) -> None:
        """Ask for a pass in so many seconds; an earlier one that is already asked for stays."""
        loop = asyncio.get_running_loop()
        when = loop.time() + min(seconds, TIMER_MOST)
        timer = self._timers.get(key)
        if timer and timer.when() <= when:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_at(when, self._due, key)

    def add_after_failure(self, key: CredentialKey, at_least: float | None = None) -> None:
        """Ask for another try: 0.1 s, doubled each time up to 5 s, with jitter; later if the server asked for it."""
        failures = self._failures[key] = self._failures.get(key, -1) + 1
        ceiling = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures, 10))
        delay = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter
        self.add_later(key, max(delay, min(at_least or 0.0, 60.0)))

    def failures(self, key: CredentialKey) -> int:
        """How many passes in a row have failed."""
        return self._failures.get(key, -1) + 1

    def succeeded(self, key: CredentialKey) -> None:
        """Forget earlier failures."""
        self._failures.pop(key, None)

    async def get(self) -> CredentialKey:
        """Return the next credential; `done` must follow."""
        while True:
            key = self._next() if self._may_begin() and not self._closed else None
            if key is not None:
                return key
            sleeper = asyncio.get_running_loop().create_future()
            self._idle_workers.append(sleeper)
            await sleeper

    def done(self, key: CredentialKey) -> None:
        """End the pass that `get` began."""
        again = self._running.pop(key)
        self._in_namespace[key.namespace] -= 1
        if not self._in_namespace[key.namespace]:
            del self._in_namespace[key.namespace]
        if not self._running:
            self._went_idle.set()
        if again:
            self.add(key)
        else:  # a place of this namespace's share is free again
            self._wake_one()

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

    def __len__(self) -> int:
        return len(self._since)

    @property
    def age(self) -> float:
        """Seconds that the longest waiting credential has waited."""
        if not self._may_begin():
            return 0.0
        first = min((self._since[keys[0]] for keys in self._waiting.values()), default=None)
        return 0.0 if first is None else time.monotonic() - first

    def _next(self) -> CredentialKey | None:
        for namespace in self._waiting:
            if self._in_namespace.get(namespace, 0) < self._share:
                break
        else:
            return None
        keys = self._waiting[namespace]
        key = keys.popleft()
        del self._since[key]
        if keys:
            self._waiting.move_to_end(namespace)
        else:
            del self._waiting[namespace]
        self._running[key] = False
        self._in_namespace[namespace] = self._in_namespace.get(namespace, 0) + 1
        return key

    def _wake_one(self) -> None:
        while self._idle_workers:
            sleeper = self._idle_workers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    def _due(self, key: CredentialKey) -> None:
        self._timers.pop(key, None)
        self.add(key)
