"""A KMS v2 plugin as a real process: the Go program of tests/kmsplugin, which is served by Kubernetes' own code."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from controlplane.gobuild import GoProgram, stripped
from controlplane.waiting import wait_until

PROGRAM: Final = GoProgram(
    "kmsplugin",
    Path(__file__).resolve().parents[1] / "kmsplugin",
    stripped(),
    "building a KMS plugin from source, once on this machine (less than a minute on two cores)",
)


class KmsProcess:
    """Its folder holds its seed, its socket and what it is told to be. Ended by the end of a `with` block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        (folder / "seed").write_bytes(secrets.token_bytes(32))
        self.socket = folder / "kms.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._told: dict[str, Any] = {"key": "key-1"}
        self.tell()

    def tell(self, **control: Any) -> None:
        """Change what it is from its next call on; see main.go."""
        self._told |= control
        fresh = self._folder / "control.new"
        fresh.write_text(json.dumps(self._told))
        fresh.replace(self._folder / "control.json")

    def start(self) -> Self:
        """Start it, once more perhaps, and return when it listens."""
        self.socket.unlink(missing_ok=True)
        command = [str(PROGRAM.built()), str(self.socket), str(self._folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self.socket.exists, "the plugin listens")
        return self

    def kill(self) -> None:
        """SIGKILL; the socket's file stays."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def calls(self, name: str) -> list[dict[str, Any]]:
        """Return the calls of this name that have come, as it has noted them."""
        path = self._folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for line in lines if (call := json.loads(line))["call"] == name]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
