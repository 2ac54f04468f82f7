"""A reader follows the page on targets from top to bottom, word for word, with real servers and accounts of his own."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cluster.target_stage import logs_in
from contract.markdown import without_comment
from contract.readme_commands import TARGETS, commands_to_run, quick_start
from controlplane.fixtures import OwnControlPlane
from controlplane.waiting import wait_until
from pages.reader import Reader
from ssh.accounts import Account, account
from ssh.servers import ADDRESS, Sshd, make_key, running

PASSWORD: Final = "test-only-secret-value-of-the-first-login"
SETTINGS: Final[dict[str, object]] = {
    "AuthorizedKeysFile": ".ssh/authorized_keys",
    "Subsystem": "sftp internal-sftp",
    "PasswordAuthentication": "yes",
}
ON_THE_LOOPBACK: Final = " --allow-destination 127.0.0.0/8"
"""The reader's servers are on his own machine."""


class Machine:
    """A server of the reader's, with an account on it."""

    def __init__(self, folder: Path, until_the_end: ExitStack) -> None:
        self._folder, self._port = folder, 0
        self._life = until_the_end.enter_context(ExitStack())
        folder.mkdir()
        self.account: Account = until_the_end.enter_context(account())
        self.account.set_password(PASSWORD)
        self.account.holds("# of the account's owner\n")
        self.set_up()

    def set_up(self) -> None:
        """Set it up: anew, if it was there, with another host key."""
        self._life.close()
        again = {"Port": self._port} if self._port else {}
        place = self._folder / f"life-{len(list(self._folder.iterdir()))}"
        place.mkdir()
        self.host_key = make_key(place / "host").public
        self.server: Sshd = self._life.enter_context(
            running(place / "sshd", SETTINGS | again, host_keys=(place / "host",))
        )
        self._port = int(again.get("Port", self.server.port))
        self.server = self.server._replace(port=self._port)

    def paste(self, public_key: str) -> None:
        """Append a line to authorized_keys, as a person does."""
        self.account.holds(f"{self.account.content}{public_key}\n")

    def lets_in(self, private_key: Path) -> bool:
        return logs_in(self.server, self.account.name, private_key)

    def in_spec(self, spec: dict[str, Any]) -> None:
        """Put it into the spec of an example."""
        spec |= {"host": ADDRESS, "port": self.server.port, "username": self.account.name}
        if "keys" in spec["hostKeys"]:
            spec["hostKeys"]["keys"] = [self.host_key]


class Owner(Reader):
    """A reader with three machines, who does what the page tells between its commands."""

    cluster: Machine
    bastion: Machine
    login: Machine

    def own(self, machines: list[Machine]) -> None:
        """Have these machines."""
        self.cluster, self.bastion, self.login = machines
        self.before: dict[str, Callable[[], None]] = {
            "kubectl get sshtarget cluster-login -o jsonpath='{.status.offered": self.set_up_anew,
            "kubectl create configmap ssh-hosts": self.write_known_hosts,
            "kubectl create secret generic hpc-first-login": self.write_password,
        }
        self.after: dict[str, Callable[[str], None]] = {
            "cp examples/target.yaml": lambda _: self.edit("cluster-login.yaml", {"cluster-login": self.cluster}),
            "cp examples/target-hpc.yaml": lambda _: self.edit(
                "hpc.yaml", {"hpc-bastion": self.bastion, "hpc-login": self.login}
            ),
            ".venv/bin/sshcred public-key cluster-login": self.cluster.paste,
        }

    def live(self, command: str) -> str:
        """Follow a command, and do what it takes before and after it; return what was said."""
        for begins, act in self.before.items():
            if command.startswith(begins):
                act()
        local = ON_THE_LOOPBACK if "sshcredential-operator targets" in command else ""
        try:
            said = self.follow(command + local)
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self.say('kubectl get sshcredentials,sshtargets -o wide')}") from None
        for begins, take in self.after.items():
            if command.startswith(begins):
                take(said)
        return said

    def edit(self, file: str, machines: dict[str, Machine]) -> None:
        documents = list(yaml.safe_load_all((self._desk / file).read_text()))
        for one in documents:
            if one["kind"] == "SSHTarget":
                machines[one["metadata"]["name"]].in_spec(one["spec"])
        (self._desk / file).write_text(yaml.safe_dump_all(documents))

    def set_up_anew(self) -> None:
        self.cluster.set_up()
        (self._desk / "ssh_host_ed25519_key.pub").write_text(self.cluster.host_key)
        assert "HostKeyChanged" in self.say(".venv/bin/sshcred target probe cluster-login")

    def write_known_hosts(self) -> None:
        (self._desk / "known_hosts").write_text(f"{self.cluster.server.known_hosts}\n")

    def write_password(self) -> None:
        (self._desk / "first-password.txt").write_text(PASSWORD)


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Owner]:
    with ExitStack() as until_the_end:
        machines = [Machine(tmp_path / name, until_the_end) for name in ("cluster", "bastion", "login")]
        desk = tmp_path / "desk"
        desk.mkdir()
        somebody = Owner(desk, own_control_plane().kubeconfig_for("admin"))
        until_the_end.callback(somebody.end_operator)
        somebody.own(machines)
        yield somebody


def test_a_reader_gets_what_the_page_promises(reader: Owner, tmp_path: Path) -> None:
    for command in quick_start():
        reader.follow(command)
    said = {without_comment(command): reader.live(command) for command in commands_to_run(TARGETS.read_text())}

    # The changed host key was shown to the reader, as the server's owner has it.
    offered, compared = (
        next(said[one] for one in said if one.startswith(begins))
        for begins in ("kubectl get sshtarget cluster-login -o", "ssh-keygen -l -f")
    )
    assert offered == compared.split()[1]
    assert "cluster-login" in said["kubectl describe sshcredential cluster-login"]
    assert "WaitingForTargets" in said["kubectl describe sshcredential cluster-login"]

    # The key that was installed and rotated opens both doors, and its copy knows the one it is for.
    copy = tmp_path / "copy"
    copy.touch(0o600)
    copy.write_text(secret_value(reader, "ssh-privatekey") + "\n")
    assert [machine.lets_in(copy) for machine in (reader.bastion, reader.login, reader.cluster)] == [True, True, False]
    assert secret_value(reader, "known_hosts") == reader.login.server.known_hosts
    for machine in (reader.bastion, reader.login):
        lines = machine.account.content.splitlines()
        assert lines[0] == "# of the account's owner"
        assert len(lines) == 3, "the key in use, and the one before for its overlap"
        assert all("sshcredential-operator:genomics/hpc-login:" in line for line in lines[1:])

    # The password is needed no more, and was kept nowhere.
    assert reader.run("kubectl get secret hpc-first-login --ignore-not-found") == ""
    assert PASSWORD not in (tmp_path / "desk" / "targets.log").read_text()

    # The line that was pasted stays after its target.
    assert reader.run("kubectl get sshtarget cluster-login --ignore-not-found") == ""
    assert len(reader.cluster.account.content.splitlines()) == 3
    wait_until(
        lambda: reader.run("kubectl get sshcredential cluster-login -o jsonpath='{.status.usedBy}'") == "",
        "the credential has no target any more",
    )

    # Alice got what the page gave her, and bob has nothing.
    may = "kubectl auth can-i {} --as={} || true"
    rights = ("create sshtargets.sshcredentials.dev", "use sshcredential/hpc-login", "use sshtarget/hpc-bastion")
    answers = {
        who: [reader.run(may.format(right, who)).split("\n")[-1] for right in rights] for who in ("alice", "bob")
    }
    assert answers == {"alice": ["yes"] * 3, "bob": ["no"] * 3}


def secret_value(reader: Owner, key: str) -> str:
    path = shlex.quote("{.data." + key.replace(".", "\\.") + "}")
    return reader.run(f"kubectl get secret hpc-ssh -o jsonpath={path} | base64 -d")
