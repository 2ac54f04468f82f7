"""Leader election: of several replicas one works, and the others are ready to go on. `candidacy.py` wires it in.

It saves work, never data: even of two leaders every write names the revision that it is based on. Nobody's wall clock
decides anything, only how long this very process has waited, by its own clock:

    a leader may write for 7 s after it began its last renewal; it renews every 3 s
    a candidate takes over when it has seen the same revision for 10 s, or at once when the holder gave the Lease up
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum
from typing import Any, Final, TypeVar

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.lease import LEASE_SECONDS, Lease, Leases
from sshcredential_operator.controller.logs import where
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

TENURE_SECONDS: Final = 7.0
"""The rest of the lease is the margin for writes that are on their way when the tenure ends."""
RENEW_SECONDS: Final = 3.0
REQUEST_SECONDS: Final = 2.5
LEASE_SECONDS_MOST: Final = 60.0
"""A holder of another version may ask for so much patience, and not for more."""

Answer = TypeVar("Answer")


class Standing(Enum):
    """How this replica stands."""

    LEADER = "leader"
    STANDBY = "standby"
    TROUBLE = "trouble"


Told = Callable[[Standing, TroubleError | None], None]


def boot_seconds() -> float:
    """Return a clock that nobody sets, and that goes on while the machine sleeps, as the other replicas' clocks do."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Elector:
    """Stands for election for one replica. `leads` is always true to the clock, whether or not a task had its turn."""

    def __init__(self, leases: Leases, identity: str, tell: Told, clock: Callable[[], float] = boot_seconds) -> None:
        self._leases, self._identity, self._tell, self._clock = leases, identity, tell, clock
        self._lease: Lease | None = None
        self._others_until = -math.inf
        self._tenure_end = -math.inf

    def leads(self) -> bool:
        """Whether this replica may begin a write now. Cheap: asked before each one."""
        return self._clock() < self._tenure_end

    async def run(self) -> None:
        """Stand for election for ever, and lead whenever elected."""
        while True:
            pause = 0.5
            try:
                await self._until_free()
                if await self._take():
                    self._tell(Standing.LEADER, None)
                    await self._keep()
                    self._tell(Standing.STANDBY, None)
            except TroubleError as trouble:
                self._tell(Standing.TROUBLE, trouble)
                pause = 1.5
            except asyncio.CancelledError:
                if _ending():
                    raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may be better
                log.error("election failed", extra={"error": type(error).__name__, "at": where(error)})
            self._tenure_end = -math.inf
            await asyncio.sleep(random.uniform(pause / 3, pause))  # noqa: S311 - jitter

    async def release(self) -> None:
        """Give the Lease up after the last write; `run` must have ended. Another replica then goes on at once."""
        self._tenure_end = -math.inf
        with suppress(TroubleError):
            for _ in range(2):
                lease = self._lease
                if lease is None or lease.holder != self._identity:
                    return
                if await _in_time(self._leases.update(lease, "")) is not None:
                    return
                self._saw(await _in_time(self._leases.read()))  # the last renewal may have been cut off

    # --- as a candidate

    async def _until_free(self) -> None:
        while True:
            self._saw(await _in_time(self._leases.read()))
            if self._lease and not self._is_free():
                with suppress(TimeoutError):
                    await self._follow(self._lease)
            if self._is_free():
                return
            await asyncio.sleep(random.uniform(0.2, 0.5))  # noqa: S311 - the watch ended before: jitter

    async def _follow(self, lease: Lease) -> None:
        """Watch until the watch ends; TimeoutError when the Lease is free before."""
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._others_until - self._clock()) as patience, self._leases.watch(lease) as seen:
            self._tell(Standing.STANDBY, None)
            async for revision in seen:
                self._saw(revision)
                patience.reschedule(now() + self._others_until - self._clock())

    def _saw(self, lease: Lease | None) -> None:
        """Take a revision: a new one of another holder is a sign of life. A deletion is none, and frees nothing."""
        if lease and (self._lease is None or lease.version != self._lease.version):
            patience = max(LEASE_SECONDS, min(lease.seconds, LEASE_SECONDS_MOST))
            held = lease.holder not in {"", self._identity}
            self._others_until = self._clock() + patience if held else -math.inf
        self._lease = lease

    def _is_free(self) -> bool:
        return self._clock() >= self._others_until

    # --- as the leader

    async def _take(self) -> bool:
        """Write our name into the Lease; False when somebody else has changed it."""
        begun = self._clock()  # before the request: nobody can have seen this renewal earlier
        if self._lease is None:
            written = await _in_time(self._leases.create(self._identity))
        else:
            written = await _in_time(self._leases.update(self._lease, self._identity))
        if written is None:
            return False
        self._saw(written)
        self._tenure_end = begun + TENURE_SECONDS
        return self.leads()

    async def _keep(self) -> None:
        """Renew until somebody else holds the Lease or the tenure has run out."""
        while self.leads():
            ends = self._tenure_end
            await asyncio.sleep(ends - TENURE_SECONDS + RENEW_SECONDS - self._clock())
            if not await self._renewed() or self._clock() >= ends:  # a tenure that had a gap is begun anew
                break
        log.warning("no longer the leader")

    async def _renewed(self) -> bool:
        """Renew, and try again until it is known: False when somebody else holds the Lease."""
        while self.leads():  # after a freeze nothing is sent any more
            try:
                if await self._take():
                    return True
                self._saw(await _in_time(self._leases.read()))
                if not self._is_free():
                    return False
            except TroubleError:
                await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311 - jitter
        return False


async def _in_time(request: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the answer, or raise TroubleError when it takes too long: the next try may find a better connection."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            return await request
    except TimeoutError:
        raise TroubleError(Reason.SERVER_UNAVAILABLE) from None


def _ending() -> bool:
    # Something that was waited for may be cancelled without this task being meant.
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
