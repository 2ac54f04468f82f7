"""One operator as a real process: started as a user would, watched through its log and its HTTP endpoints."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from controlplane.waiting import wait_until

COMMAND: Final = Path(sys.executable).with_name("sshcredential-operator")
_LOCAL: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class OperatorProcess:
    """`sshcredential-operator run`, or another `process`, with JSON logs in a file. Ended by pid, and by `with`."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *,
        operator_namespace: str,
        workspaces: Sequence[str] = (),
        options: Sequence[str] = (),
        program: Sequence[str] = (str(COMMAND),),
        process: str = "run",
    ) -> None:
        self.operator_namespace, self.workspaces, self.log = operator_namespace, tuple(workspaces), log
        self._address: str | None = None
        places = [part for name in workspaces for part in ("--workspace", name)] or ["--all-namespaces"]
        command = [*program, process, "--operator-namespace", operator_namespace, *places, "--log-format", "json"]
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*command, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def wait_until_ready(self, seconds: float = 30) -> Self:
        """Return when /readyz says ok."""
        wait_until(lambda: self.get("/readyz")[0] == 200, f"the operator is ready (log: {self.log})", seconds)
        return self

    def get(self, path: str) -> tuple[int, str]:
        """Return code and text of one of the operator's paths; (0, "") while nobody listens."""
        address = self.address
        if address is None:
            return 0, ""
        try:
            with _LOCAL.open(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples, whatever their labels."""
        pattern = re.compile(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", re.MULTILINE)
        return sum(float(value) for value in pattern.findall(self.get("/metrics")[1]))

    @property
    def address(self) -> str | None:
        """Where it listens, as its log tells."""
        if self._address is None:  # asked for again and again while the log grows
            listening = (str(entry["address"]) for entry in self.entries() if entry["message"] == "listening")
            self._address = next(listening, None)
        return self._address

    def entries(self) -> list[dict[str, Any]]:
        """Return the log's lines; one that is being written is left out."""
        text = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def messages(self) -> list[str]:
        """Return the log's messages."""
        return [str(entry["message"]) for entry in self.entries()]

    def kill(self) -> None:
        """SIGKILL: no clean-up, as in a crash."""
        self._process.kill()
        self._process.wait(10)

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, and wait. Return the exit code."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.stop()
