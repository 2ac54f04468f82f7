"""A reader follows the README from top to bottom, word for word, on a cluster that knows nothing of this project."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contract.readme_commands import README, commands_to_run
from contract.tree import ROOT
from controlplane.binaries import find_binaries
from controlplane.fixtures import OwnControlPlane
from controlplane.waiting import wait_until

PASSPHRASE: Final = "not for a README"


class Reader:
    """Somebody at a desk with a checkout, a kubeconfig, and a key that is protected by a passphrase."""

    def __init__(self, desk: Path, kubeconfig: Path) -> None:
        self._desk, self._operator = desk, None
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

    _operator: subprocess.Popen[bytes] | None

    def follow(self, command: str) -> None:
        """Do what the page says. The operator stays in its terminal; a second one takes the place of the first."""
        if "sshcredential-operator run" in command:
            self.end_operator()
            self._start_operator(command)
        else:
            self.run(command)

    def run(self, command: str) -> str:
        """Run a command; return its output."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self._desk,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout.strip()

    def end_operator(self) -> None:
        """Ctrl-C in its terminal."""
        if self._operator:
            self._operator.terminate()
            self._operator.wait(30)

    def _start_operator(self, command: str) -> None:
        log = self._desk / "operator.log"
        with log.open("wb") as out:
            # exec keeps the process id, by which it is ended.
            shell = ["/bin/sh", "-c", f"exec env {command}"]
            self._operator = subprocess.Popen(shell, cwd=self._desk, env=self._environment, stdout=out, stderr=out)
        wait_until(lambda: '"kind":"sshcredentials"' in log.read_text(), f"the operator lists credentials ({log})")

    def _provide_kubectl(self) -> None:
        program = self._desk / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.join(find_binaries().kubectl)} "$@"\n')
        program.chmod(0o755)


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Reader]:
    somebody = Reader(tmp_path, own_control_plane().kubeconfig_for("admin"))
    yield somebody
    somebody.end_operator()


def test_a_reader_gets_what_the_page_promises(reader: Reader) -> None:
    fingerprint = "-o jsonpath='{.status.fingerprint}'"
    first = ""
    for command in commands_to_run(README.read_text()):
        reader.follow(command)
        first = first or reader.run(f"kubectl get sshcredential hpc-login {fingerprint} --ignore-not-found || true")

    # The key that the reader brought is there, and its plain Secret is not.
    assert reader.run("kubectl get secret my-key --ignore-not-found") == ""
    mine = reader.run("kubectl get sshcredential my-login --no-headers").split()
    assert mine[:3] == ["my-login", "True", "Available"]
    assert mine[4] == reader.run("ssh-keygen -l -f .ssh/id_ed25519.pub").split()[1]

    # After the deletion of both, the credential got a new key.
    reader.run("kubectl wait --for=condition=Ready sshcredential/hpc-login")
    assert reader.run(f"kubectl get sshcredential hpc-login {fingerprint}") != first != ""

    # The operator did the latter with rights of its own.
    asked = "kubectl auth whoami --kubeconfig operator.kubeconfig -o jsonpath='{.status.userInfo.username}'"
    assert reader.run(asked) == "system:serviceaccount:sshcredential-system:sshcredential-operator"
    assert reader.run("stat -c %a operator.kubeconfig") == "600"
