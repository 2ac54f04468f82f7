"""`git clone` over a real sshd with nothing but the files of a copy, as each consumer hands them to ssh."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.shown import Object, data_of, generated
from cluster.sshd import Sshd, running

GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


class Forge(NamedTuple):
    """A repository behind sshd."""

    sshd: Sshd
    url: str


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    folder = tmp_path_factory.mktemp("forge")
    repository, work = folder / "team.git", folder / "work"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True, env=os.environ | GIT)
    subprocess.run(["git", "clone", "-q", repository, work], check=True, env=os.environ | GIT, capture_output=True)
    (work / "README").write_text("hello\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", work, "add", "README"], check=True, env=os.environ | GIT)
    subprocess.run(["git", "-C", work, *identity, "commit", "-qm", "one"], check=True, env=os.environ | GIT)
    subprocess.run(["git", "-C", work, "push", "-q", "origin", "HEAD:main"], check=True, env=os.environ | GIT)
    with running(tmp_path_factory.mktemp("sshd")) as sshd:
        yield Forge(sshd, f"ssh://{sshd.user}@127.0.0.1:{sshd.port}{repository}")


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
    with forge.sshd.authorized_keys.open("a") as keys:
        keys.write(f"{public}\n")
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


def mount(values: dict[str, bytes], folder: Path) -> Path:
    """Write a Secret's values as files, as a volume does."""
    mounted = folder / "secret"
    mounted.mkdir()
    for name, value in values.items():
        (mounted / name).write_bytes(value)
        (mounted / name).chmod(0o400)
    return mounted


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
