"""A reader follows the quickstart from top to bottom, word for word, at a terminal, and logs in to a real sshd."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cluster import sshd
from cluster.sshd import Sshd
from contract.readme_commands import QUICKSTART, commands_to_run, quick_start
from controlplane.fixtures import OwnControlPlane
from pages.reader import PASSPHRASE, Reader
from pages.typist import typed

SSH: Final = "login.example.org"


class Typist(Reader):
    """A reader at a terminal. The target machine is his own, with an sshd that goes by his authorized_keys."""

    def at_terminal(self, command: str) -> str:
        """Do what the page says, and type the passphrase where it is asked for; return what was shown."""
        code, shown = typed(command, self._desk, self._environment, PASSPHRASE)
        assert code == 0, f"{command}\n{shown}"
        return shown

    def know(self, target: Sshd) -> None:
        """Let ssh find the target machine."""
        hosts = self._desk / ".ssh" / "known_hosts"
        hosts.write_text(f"{target.known_hosts}\n")
        (self._desk / ".ssh" / "config").write_text(
            f"Host {SSH}\n  HostName 127.0.0.1\n  Port {target.port}\n  User {target.user}\n"
            f"  UserKnownHostsFile {hosts}\n  IdentitiesOnly yes\n"
        )
        program = self._desk / "bin" / "ssh"
        program.write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} -F {shlex.quote(str(self._desk / ".ssh" / "config"))} "$@"\n'
        )
        program.chmod(0o755)


@pytest.fixture
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd.running(tmp_path_factory.mktemp("target")) as target:
        yield target


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, target: Sshd, tmp_path: Path) -> Iterator[Typist]:
    somebody = Typist(tmp_path, own_control_plane().kubeconfig_for("admin"))
    somebody.know(target)
    (tmp_path / ".ssh" / "authorized_keys").symlink_to(target.authorized_keys)
    yield somebody
    somebody.end_operator()


def test_a_reader_gets_what_the_page_promises(reader: Typist, target: Sshd) -> None:
    run_operator = ""
    for command in quick_start():
        run_operator = command if "sshcredential-operator run" in command else run_operator
        reader.follow(command)
    shown = {}
    for command in commands_to_run(QUICKSTART.read_text()):
        if "-n alice" in command and run_operator:  # as the page says before it
            reader.follow(f"{run_operator} --workspace alice")
            run_operator = ""
        shown[command] = reader.at_terminal(command)

    # The key pair of the page is in the cluster, in both workspaces and by way of Git, and it logs in.
    mine = reader.run("ssh-keygen -l -f .ssh/for-genomics.pub").split()[1]
    for name, namespace in (("login-node", "genomics"), ("login-node", "alice")):
        found = f"kubectl get sshcredential {name} -n {namespace} -o jsonpath='{{.status.fingerprint}}'"
        assert reader.run(found) == mine
    assert target.accepted() == [mine]
    assert reader.run("kubectl get sshcredential login-node -o jsonpath='{.status.name}'") == "login_node"

    # The list shows what the page speaks of, and nothing that is shown is a secret.
    listed = next(text for command, text in shown.items() if command == ".venv/bin/sshcred list")
    assert [word for word in ("login-node", "SSH", mine, "True") if word not in listed] == [], listed
    assert "login_node" in shown[".venv/bin/sshcred status login-node"]
    assert PASSPHRASE not in "".join(shown.values())
    assert reader.run("kubectl get sshcredentials -o name").split() == [
        "sshcredential.sshcredentials.dev/hpc-login",
        "sshcredential.sshcredentials.dev/login-node",
        "sshcredential.sshcredentials.dev/upload",
    ]

    # The generated key is let in, and in use again after the way there and back.
    upload = reader.run("kubectl get sshcredential upload -o jsonpath='{.status.publicKey}'")
    assert upload in target.authorized_keys.read_text()
    assert reader.run("kubectl get sshcredential upload -o jsonpath='{.status.keyNumber}'") == "3"

    # Alice may do in her workspace what the page says, and nothing elsewhere.
    asked = [
        reader.run(f"kubectl auth can-i {verb} sshcredentials -n {where} --as=alice@example.org || true").splitlines()[
            -1
        ]
        for verb, where in (("create", "alice"), ("use", "alice"), ("export", "alice"), ("create", "genomics"))
    ]
    assert asked == ["yes", "yes", "no", "no"]
