"""Operator processes that a zygote forks: started, watched, frozen and killed like any other. Used by `stage`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controlplane.places import CHECKOUT
from faults.clock import CLOCK_FILE, written
from faults.zygote import BUG

_LOCAL: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
LISTENING: Final = '"message":"listening"'


class Zygote:
    """The process that forks them, during a `with` block."""

    def __init__(self, bug: str = "") -> None:
        self._bug, self._lock = bug, threading.Lock()
        path = os.pathsep.join(str(CHECKOUT / folder) for folder in ("operator", "tests"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": path},
        )

    def start(self, kubeconfig: Path, log: Path, clock: Path, arguments: Sequence[str]) -> Operator:
        """Start an operator with these arguments, and a log that no other process has."""
        if not clock.exists():
            clock.write_text(written())
        environment = {"KUBECONFIG": str(kubeconfig), CLOCK_FILE: str(clock), BUG: self._bug}
        asked = {"arguments": [*arguments], "log": str(log), "environment": environment}
        with self._lock:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(asked) + "\n")
            return Operator(int(self._process.stdout.readline()), log, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=20)


class Operator:
    """One process."""

    def __init__(self, pid: int, log: Path, clock: Path) -> None:
        self.pid, self.log, self._clock = pid, log, clock
        self._descriptor = os.pidfd_open(pid)
        self.told_to_end = False

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return not select.select([self._descriptor], [], [], 0)[0]

    @property
    def ended_by_itself(self) -> bool:
        """Whether it ended without being told."""
        return not self.told_to_end and not self.is_running

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self.told_to_end = True
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it is there."""
        if self.is_running:
            signal.pidfd_send_signal(self._descriptor, number)

    def set_clock(self, *, ahead: float = 0.0, wall: float = 0.0) -> None:
        """Set its clock ahead by so many seconds of the real one, or only the one on its wall."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(written(ahead=ahead, wall=wall))
        fresh.replace(self._clock)
        self.signal(signal.SIGUSR1)

    def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        select.select([self._descriptor], [], [], 20)
        os.close(self._descriptor)

    def get(self, path: str) -> tuple[int, str]:
        """Return code and text of one of its paths; (0, "") while nobody listens."""
        try:
            with _LOCAL.open(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except (OSError, LookupError):
            return 0, ""

    @cached_property
    def address(self) -> str:
        """Where this process listens; LookupError as long as its log does not tell."""
        for line in reversed(self.log.read_text().splitlines()):
            if LISTENING in line:
                return str(json.loads(line)["address"])
        raise LookupError
