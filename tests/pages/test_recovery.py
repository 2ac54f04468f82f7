"""A reader follows the page on recovery word for word: without a cluster, without our tool, and in a new cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contract.markdown import blocks
from contract.readme_commands import RECOVERY, gitops, recovery
from controlplane.fixtures import OwnControlPlane
from pages.reader import Reader
from pages.test_gitops import KUBECONFIG, install, keys

BACKUP: Final = "key-ring.backup"
WITH: Final = f"{BACKUP} --passphrase-file backup-passphrase.txt"


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Reader]:
    somebody = Reader(tmp_path, own_control_plane().kubeconfig_for("admin"))
    yield somebody
    somebody.end_operator()


def follow(reader: Reader, section: str) -> None:
    for command in recovery(section):
        reader.follow(command)


def fingerprints(reader: Reader, folder: str) -> dict[str, str]:
    """Return the fingerprint of every private key under a folder, as ssh-keygen makes it from the private half."""
    shown = reader.run(
        f'cd {folder} && for id in */*/id; do echo "${{id%/id}} $(ssh-keygen -y -f $id | ssh-keygen -lf - )"; done'
    )
    return {line.split()[0]: line.split()[2] for line in shown.splitlines()}


def test_a_reader_gets_every_key_back(reader: Reader, own_control_plane: OwnControlPlane, tmp_path: Path) -> None:
    reader.run("kubectl create namespace sshcredential-system")
    install(reader)
    for command in gitops(rebuilding=False)[:5]:
        reader.follow(command)
    before = keys(reader)
    assert before

    follow(reader, "A backup")
    root = "kubectl get secret sshcredential-root-key -n sshcredential-system -o json"
    assert "sshcredentials.dev/backed-up-at" in json.loads(reader.run(root))["metadata"]["annotations"]
    assert (tmp_path / BACKUP).stat().st_mode & 0o777 == 0o600
    reader.end_operator()

    follow(reader, "Keys without a cluster")
    assert fingerprints(reader, "recovered") == before
    [script] = [block.text for block in blocks(RECOVERY.read_text()) if block.language == "python"]
    (tmp_path / "open.py").write_text(script)
    follow(reader, "Keys without our tool")
    assert fingerprints(reader, "recovered-alone") == before

    # A new cluster, in which nothing is. Somebody starts the operator first, and is told so.
    shutil.copy(own_control_plane().kubeconfig_for("admin"), tmp_path / KUBECONFIG)
    reader.run("kubectl create namespace sshcredential-system")
    install(reader)
    reader.run("kubectl wait --for=create secret/sshcredential-root-key -n sshcredential-system --timeout=60s")
    told = reader.say(f".venv/bin/sshcred keyring restore {WITH}")
    assert "sshcredential-sealing-key-1: there already, and another one: left alone" in told
    assert "not the backup's" in told
    reader.end_operator()
    reader.run("kubectl delete namespace sshcredential-system --wait")

    commands = recovery("A new cluster")
    git_again = next(number for number, command in enumerate(commands) if "apply -k" in command)
    for command in commands[:git_again]:
        reader.follow(command)
    again = reader.run(f".venv/bin/sshcred keyring restore {WITH} --rebind")
    assert "0 made" in again
    assert "genomics: nothing to rebind" in again
    install(reader)
    for command in commands[git_again:]:
        reader.follow(command)

    assert keys(reader) == before
