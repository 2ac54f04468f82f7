"""Somebody who does what a page says, word for word. Used by the tests of the README and of the pages in docs/."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from contract.tree import ROOT
from controlplane.binaries import find_binaries
from controlplane.waiting import wait_until

PASSPHRASE: Final = "not for a README"
PROCESSES: Final = {"run": "sshcredentials", "targets": "sshtargets"}
"""What runs in a terminal of its own, and what it has listed when it is at work."""


class Reader:
    """Somebody at a desk with a checkout, a kubeconfig, and a key that is protected by a passphrase."""

    def __init__(self, desk: Path, kubeconfig: Path) -> None:
        self._desk, self._running = desk, dict[str, subprocess.Popen[bytes]]()
        for name in ("charts", "crds", "examples"):
            (desk / name).symlink_to(ROOT / name)
        (desk / ".venv").symlink_to(sys.prefix)
        shutil.copy(kubeconfig, desk / "kubeconfig")
        self._provide_kubectl()
        self._environment = {
            **os.environ,
            "HOME": str(desk),
            "KUBECONFIG": str(desk / "kubeconfig"),
            "PATH": f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        (desk / ".ssh").mkdir()
        self.run(f"ssh-keygen -q -t ed25519 -N {shlex.quote(PASSPHRASE)} -f .ssh/id_ed25519")
        (desk / "passphrase.txt").write_text(PASSPHRASE)

    def follow(self, command: str) -> str:
        """Do what the page says; return its output. A second operator takes the place of the first in its terminal."""
        for process, listed in PROCESSES.items():
            if f"sshcredential-operator {process}" in command:
                self._end(process)
                self._start(process, command, listed)
                return ""
        return self.run(command)

    def run(self, command: str) -> str:
        """Run a command that succeeds; return its output."""
        done = self._run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout.strip()

    def say(self, command: str) -> str:
        """Return what a command says, however it ends."""
        return self._run(command).stdout.strip()

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self._desk,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def end_operator(self) -> None:
        """Ctrl-C in every terminal where something of the operator runs."""
        for process in PROCESSES:
            self._end(process)

    def _end(self, process: str) -> None:
        if running := self._running.pop(process, None):
            running.terminate()
            running.wait(30)

    def _start(self, process: str, command: str, listed: str) -> None:
        log = self._desk / ("operator.log" if process == "run" else f"{process}.log")
        with log.open("wb") as out:
            # exec keeps the process id, by which it is ended.
            shell = ["/bin/sh", "-c", f"exec env {command}"]
            self._running[process] = subprocess.Popen(
                shell, cwd=self._desk, env=self._environment, stdout=out, stderr=out
            )
        wait_until(lambda: f'"kind":"{listed}"' in log.read_text(), f"{process} lists {listed} ({log})")

    def _provide_kubectl(self) -> None:
        program = self._desk / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.join(find_binaries().kubectl)} "$@"\n')
        program.chmod(0o755)
