"""One worker process as its parent sees it: started, asked one thing at a time, ended. Used by `pool` alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from typing import Final

from sshcredential_operator.keys.pool_messages import LENGTH_OCTETS, MAX_ANSWER, framed

COMMAND: Final = ("-c", "from sshcredential_operator.keys.pool_worker import main; main()")
"""What Python runs. No key is ever in an argument, in the environment or in a file."""

_ISOLATED: Final = ("-B", "-P", "-S", "-s")
"""No bytecode is written, neither the working folder nor `site` adds to the path: it is the parent's path alone."""


class WorkerEnded(Exception):
    """The process ended, or answered nonsense, instead of answering."""


class WorkerProcess:
    """A process that judges keys. Whoever asks must either get the whole answer or end the process."""

    def __init__(self, process: Process, to_worker: asyncio.StreamWriter, from_worker: asyncio.StreamReader) -> None:
        self._process = process
        self._to_worker = to_worker
        self._from_worker = from_worker

    @classmethod
    async def start(cls) -> WorkerProcess:
        """Start a process; an OSError says that the machine has no room for one."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *_ISOLATED,
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise OSError
        return cls(process, process.stdin, process.stdout)

    async def ask(self, message: bytes) -> bytes:
        """Send one message and return the answer."""
        try:
            self._to_worker.write(framed(message))
            await self._to_worker.drain()
            length = int.from_bytes(await self._from_worker.readexactly(LENGTH_OCTETS), "big")
            if length <= MAX_ANSWER:
                return await self._from_worker.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            pass
        raise WorkerEnded

    def kill(self) -> None:
        """End the process at once. It holds nothing that would have to be saved.

        Not by `Process.kill`: that collects the exit status of a process that has just ended, which is then lost.
        """
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Wait for the end and return the exit code; the negative number of a signal if that was the cause."""
        return await self._process.wait()

    async def gone(self) -> None:
        """Wait until nothing is left of a killed process, its pipes included. Nobody may be asking it."""
        self._to_worker.close()
        with contextlib.suppress(OSError):
            await self._to_worker.wait_closed()
        await self._from_worker.read()
        await self._process.wait()
