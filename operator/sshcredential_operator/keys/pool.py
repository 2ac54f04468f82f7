"""Judges users' keys in a few separate processes with limits, so that no file can stop or bloat the operator.

Called by the reconcile pass. A process is started when there is work for it and ended when there was none for a
minute. First come, first served.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.pool_messages import Job, decoded_verdict, encoded_job
from sshcredential_operator.keys.pool_process import WorkerEnded, WorkerProcess
from sshcredential_operator.keys.verdict import MIN_RSA_BITS, Accepted, Refused, refused_unread

WALL_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0

_REASON_OF_SIGNAL: Final[dict[int, KeyRefusal]] = {
    signal.SIGXCPU: KeyRefusal.TIMED_OUT,
    signal.SIGABRT: KeyRefusal.KDF_TOO_EXPENSIVE,
    signal.SIGSEGV: KeyRefusal.KDF_TOO_EXPENSIVE,
    signal.SIGBUS: KeyRefusal.KDF_TOO_EXPENSIVE,
}
"""Ends that a file brings about. Native code that gets no memory aborts, and only a key derivation asks for much."""


class PoolUnavailable(Exception):
    """No process could answer, through no fault of the file: the pool is closed, or the machine has no room. Retry."""


class KeyPool:
    """At most `size` processes; each judges one file at a time within 5 s of CPU, 10 s, and 96 MiB above its base."""

    def __init__(self, size: int = 2) -> None:
        self._size = size
        self._places = asyncio.Semaphore(size)
        self._idle: dict[WorkerProcess, asyncio.TimerHandle] = {}
        self._busy: set[WorkerProcess] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def judge(
        self, file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int = MIN_RSA_BITS
    ) -> Accepted | Refused:
        """Return what `judge.judge` says; TIMED_OUT if that takes too long, KDF_TOO_EXPENSIVE if too much memory.

        Raises PoolUnavailable where no process can answer. Cancelling ends the process that was asked.
        """
        if (refused := refused_unread(file)) is not None:
            return refused
        message = encoded_job(Job(file, passphrase, min_rsa_bits))
        async with self._places:
            for one_that_waits in (True, False):
                worker = await self._worker(one_that_waits=one_that_waits)
                if (answer := await self._answer(worker, message)) is not None:
                    return answer
        raise PoolUnavailable("the processes that judge keys end before they answer")

    async def close(self) -> None:
        """End all processes and wait for their end. Whoever still waits for an answer gets PoolUnavailable."""
        self._closed = True
        for worker in self._busy:
            worker.kill()
        for _ in range(self._size):
            await self._places.acquire()
        for _ in range(self._size):
            self._places.release()
        for worker in [*self._idle]:
            self._end(worker)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _worker(self, *, one_that_waits: bool) -> WorkerProcess:
        """Return the idle process that was used last, so that those which are not needed end, or else a new one."""
        if self._closed:
            raise PoolUnavailable("the pool is closed")
        if one_that_waits and self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            return worker
        try:
            worker = await WorkerProcess.start()
        except OSError:
            raise PoolUnavailable("no process can be started to judge a key") from None
        if self._closed:  # meanwhile; whoever asks it will be told
            worker.kill()
        return worker

    async def _answer(self, worker: WorkerProcess, message: bytes) -> Accepted | Refused | None:
        """Ask one process; None where it ended or talked nonsense for a reason that need not lie in the file."""
        self._busy.add(worker)
        answer = None
        try:
            async with asyncio.timeout(WALL_SECONDS):
                answer = decoded_verdict(await worker.ask(message))
        except TimeoutError:
            return Refused(KeyRefusal.TIMED_OUT)
        except WorkerEnded:
            worker.kill()
            reason = _REASON_OF_SIGNAL.get(-await worker.ended())
            return None if reason is None else Refused(reason)
        finally:
            self._busy.discard(worker)
            if answer is None:
                self._end(worker)
            else:
                self._keep(worker)
        return answer

    def _keep(self, worker: WorkerProcess) -> None:
        self._idle[worker] = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end, worker)

    def _end(self, worker: WorkerProcess) -> None:
        """End a process that nobody is asking, without being waited for."""
        if timer := self._idle.pop(worker, None):
            timer.cancel()
        worker.kill()
        ending = asyncio.get_running_loop().create_task(worker.gone())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
