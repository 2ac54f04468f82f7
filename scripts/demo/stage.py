"""The control plane and the operator of one demo: started, remembered if they are kept, ended. Used by `__main__`."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from controlplane import processes
from controlplane.access import ADMIN
from controlplane.binaries import find_binaries
from controlplane.guard import Guard
from controlplane.plane import ControlPlane
from controlplane.processes import Daemon
from controlplane.waiting import TimedOut, wait_until
from demo.shell import DemoFailed, start

OPERATOR: Final = "operator"
READY_SECONDS: Final = 60.0
LOCK: Final = "lock"
LOG: Final = "operator.log"
RECORD: Final = "running.json"
TRACES: Final = (
    *("bin", "data", "kubeconfig", "kubectl-cache", "operator.kubeconfig", RECORD),
    *("id_ed25519", "id_ed25519.pub", "passphrase.txt"),
)
"""What a demo leaves in its folder, lock and log apart. Whatever else lies there is not ours to remove."""

HTTP_OK: Final = 200

_LOCAL: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stage:
    """Everything that runs for the demo, in a folder of its own. Only what is kept outlives this process."""

    def __init__(self, folder: Path, *, keep: bool) -> None:
        self._folder, self._keep = folder, keep
        self._plane = ControlPlane(folder / "data", guarded=not keep)
        self._guard = None if keep else Guard()
        self._operator: Daemon | None = None
        self.address = ""

    def start_control_plane(self) -> None:
        """Start it, and write the kubeconfigs of the person and of the operator."""
        self._plane.start()
        self._remember()
        for user, name in ((ADMIN, "kubeconfig"), (OPERATOR, "operator.kubeconfig")):
            shutil.copy(self._plane.kubeconfig_for(user), self._folder / name)

    def start_operator(self, command: str, log: Path) -> None:
        """Start the operator and return when it says that it is ready. `address` then tells where it listens."""
        self._operator = daemon = start(command, log)
        if self._guard is not None:
            self._guard.watch(daemon)
        self._remember()
        try:
            wait_until(lambda: self._is_ready(daemon), "the operator is ready", READY_SECONDS)
        except TimedOut:
            raise DemoFailed(f"The operator is not ready after {READY_SECONDS:.0f} s:\n{daemon.log_tail()}") from None

    def provide_kubectl(self) -> Path | None:
        """Return a folder for the PATH that holds a kubectl, or None where the machine has its own."""
        if shutil.which("kubectl"):
            return None
        programs = self._folder / "bin"
        programs.mkdir()
        program = programs / "kubectl"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(find_binaries().kubectl)} "$@"\n')
        program.chmod(0o755)
        return programs

    def close(self, *, keep_log: bool) -> None:
        """End everything and remove its traces; the operator's log may stay, to show what went wrong."""
        if self._operator is not None:
            processes.stop(self._operator)
        self._plane.stop()
        if self._guard is not None:
            self._guard.dismiss()
        _remove(self._folder, TRACES if keep_log else (*TRACES, LOG))

    def _is_ready(self, daemon: Daemon) -> bool:
        if not daemon.is_running():
            raise DemoFailed(f"The operator ended:\n{daemon.log_tail()}")
        found = re.search(r" listening address=(\S+)", daemon.log.read_text(errors="replace"))
        self.address = found[1] if found else ""
        return found is not None and _says_ok(f"http://{self.address}/readyz")

    def _remember(self) -> None:
        if self._keep:
            running = {**self._plane.daemons} | ({OPERATOR: self._operator} if self._operator else {})
            record = {part: (daemon.pid, daemon.born, str(daemon.log)) for part, daemon in running.items()}
            (self._folder / RECORD).write_text(json.dumps(record))


def end_what_was_kept(folder: Path) -> bool:
    """End what an earlier demo left running, and remove its traces. Tell whether there was anything."""
    try:
        record = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        record = {}
    for pid, born, log in reversed(record.values()):
        processes.stop(Daemon(pid, born, Path(log)))
    _remove(folder, (*TRACES, LOG))
    return bool(record)


def _remove(folder: Path, names: Iterable[str]) -> None:
    for path in map(folder.joinpath, names):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def _says_ok(url: str) -> bool:
    try:
        with _LOCAL.open(url, timeout=5) as answer:
            return bool(answer.status == HTTP_OK)
    except OSError:  # nobody listens yet, or it is not ready
        return False
