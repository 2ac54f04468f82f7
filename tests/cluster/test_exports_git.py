"""`git clone` over a real sshd with nothing but the files of a copy, as each consumer hands them to ssh."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.forge import GIT, Forge, mount
from cluster.shown import Object, data_of, generated


class Files(NamedTuple):
    """Names of the values that ssh is given."""

    private: str
    passphrase: str | None = None


@pytest.mark.parametrize(
    ("profile", "files", "passphrase"),
    [
        pytest.param("SSHAuth", Files("ssh-privatekey"), "None", id="Kubernetes"),
        pytest.param("GitSync", Files("ssh"), "None", id="git-sync"),
        pytest.param("Flux", Files("identity"), "None", id="Flux"),
        pytest.param("Flux", Files("identity", "password"), "Generate", id="Flux with a passphrase"),
    ],
)
@pytest.mark.parametrize(
    "algorithm",
    [{"algorithm": "Ed25519"}, {"algorithm": "ECDSA", "bits": 384}, {"algorithm": "RSA", "bits": 3072}],
    ids=["Ed25519", "ECDSA", "RSA"],
)
def test_git_clones_with_the_exported_files(  # noqa: PLR0917 - fixtures and tables
    desk: Desk,
    exports: ExportDesk,
    forge: Forge,
    name: str,
    tmp_path: Path,
    algorithm: Object,
    profile: str,
    files: Files,
    passphrase: str,
) -> None:
    desk.create(name, generated(**algorithm, passphrase=passphrase))
    public = desk.until(name, "Available")["status"]["publicKey"]
    forge.sshd.let_in(public)
    exports.create(name, exported(name, f"{name}-copy", profile, knownHosts={"inline": forge.sshd.known_hosts}))
    exports.until(name, "Exported")
    mounted = mount(data_of(desk.secret(f"{name}-copy") or {}), tmp_path)

    cloned = subprocess.run(
        ["git", "clone", "-q", forge.url, tmp_path / "cloned"],
        env=os.environ | GIT | ssh_with(mounted, files),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (cloned.returncode, cloned.stderr) == (0, "")
    assert (tmp_path / "cloned" / "README").read_text() == "hello\n"


def ssh_with(mounted: Path, files: Files) -> dict[str, str]:
    """Return the environment of git that makes ssh use these files, and ask for nothing else."""
    options = {
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(mounted / "known_hosts"),
        "GlobalKnownHostsFile": os.devnull,
        "NumberOfPasswordPrompts": "1",
    }
    said = " ".join(f"-o {name}={value}" for name, value in options.items())
    command = {"GIT_SSH_COMMAND": f"ssh -F none -i {mounted / files.private} {said}", "SSH_AUTH_SOCK": ""}
    if files.passphrase is None:
        return command | {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
    answer = mounted.parent / "askpass"
    answer.write_text(f"#!/bin/sh\ncat '{mounted / files.passphrase}'\n")
    answer.chmod(0o700)
    return command | {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"}
