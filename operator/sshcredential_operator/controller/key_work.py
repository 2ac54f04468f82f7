"""The port `KeyWork`: generation in threads, judging in limited processes, both bounded.

An Ed25519 or ECDSA pair is made at once: that takes well under a millisecond. RSA takes seconds, without holding the
interpreter lock.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.controller.work_queue import KEY_PLACES, WorkQueue
from sshcredential_operator.keys.generate import generate, generate_passphrase
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.keys.pool import KeyPool, PoolUnavailable
from sshcredential_operator.reconcile.trouble import TroubleError


def _step_back() -> None:
    # A thread that makes RSA keys for seconds leaves the processor to the event loop. On Linux this is per thread.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class LocalKeyWork:
    """Makes and judges keys on this machine."""

    def __init__(self, queue: WorkQueue[CredentialKey], tell: Callable[[str, float], None] = lambda *_: None) -> None:
        self._tell = tell
        self._queue = queue  # which hands out the places; threads and processes are as many
        self._threads = ThreadPoolExecutor(KEY_PLACES, "rsa", initializer=_step_back)
        self._pool = KeyPool(KEY_PLACES)

    def has_place(self, key: CredentialKey) -> bool:
        """Whether the queue has given this pass a place."""
        return self._queue.has_place(key)

    async def generate(self, wanted: Generate) -> tuple[KeyPair, Sensitive | None]:
        """Make a key pair and, where asked for, a passphrase."""
        arguments = (wanted.algorithm, wanted.bits, wanted.comment)
        with self._timed("generate"):
            if wanted.algorithm is Algorithm.RSA:
                pair = await asyncio.get_running_loop().run_in_executor(self._threads, generate, *arguments)
            else:
                pair = generate(*arguments)
        return pair, generate_passphrase() if wanted.passphrase else None

    async def judge(self, file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int) -> Accepted | Refused:
        """Judge a user's key in a limited process."""
        try:
            with self._timed("judge"):
                return await self._pool.judge(file, passphrase, min_rsa_bits=min_rsa_bits)
        except PoolUnavailable:
            raise TroubleError(Reason.KEY_CHECK_UNAVAILABLE) from None

    @contextmanager
    def _timed(self, work: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._tell(work, time.monotonic() - begun)

    async def close(self) -> None:
        """End the processes; a thread that is making a key is left to finish."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._pool.close()
