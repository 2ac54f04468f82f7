"""A reader follows the README from top to bottom, word for word, on a cluster that knows nothing of this project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.readme_commands import README, commands_to_run
from controlplane.fixtures import OwnControlPlane
from pages.reader import Reader


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

    sealed = reader.run("kubectl get sshcredential my-laptop --no-headers").split()
    assert (sealed[:3], sealed[4]) == (["my-laptop", "True", "Available"], mine[4])

    # After the deletion of both, the credential got a new key.
    reader.run("kubectl wait --for=condition=Ready sshcredential/hpc-login")
    assert reader.run(f"kubectl get sshcredential hpc-login {fingerprint}") != first != ""

    # The operator did the latter with rights of its own.
    asked = "kubectl auth whoami --kubeconfig operator.kubeconfig -o jsonpath='{.status.userInfo.username}'"
    assert reader.run(asked) == "system:serviceaccount:sshcredential-system:sshcredential-operator"
    assert reader.run("stat -c %a operator.kubeconfig") == "600"
