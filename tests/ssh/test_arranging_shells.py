"""The script runs in every shell, whatever the account's start files say, and ends where there is no shell at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ssh.installing import Door, door
from sshcredential_operator.ssh.shell_arranging import LOADER, SCRIPT
from sshcredential_operator.ssh.visit import Arranged, Failed
from unit.ssh.authorized_lines import MARK, A, arrangement

OURS = f"{A} {MARK}\n"
SHELLS = ("dash", "bash", "busybox", "mksh", "ksh93", "zsh", "tcsh", "fish")
LOGIN_SHELLS = ("bash", "dash", "mksh", "ksh93", "zsh", "tcsh", "fish")
REPLY = f"x\n{OURS}".encode()


@pytest.mark.parametrize("shell", SHELLS[:5])
def test_script_runs_in_every_posix_shell(shell: str, tmp_path: Path) -> None:
    """With `sh` being that shell; the home folder is the test's."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not on this machine")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sh").symlink_to(program)
    home = tmp_path / "home of $HOME 'x'"
    (home / ".ssh").mkdir(parents=True)
    file = home / ".ssh" / "authorized_keys"
    file.write_bytes(b"x\n")
    start = f"mode=write half1={'a' * 32} half2={'b' * 32} token={'c' * 32}\n".encode()
    script = start + SCRIPT + b"\nsshcredential-operator:end-of-script\n"
    done = subprocess.run(
        ["/bin/sh", "-c", LOADER],
        input=script + b"%d\n" % len(REPLY) + REPLY,
        capture_output=True,
        check=True,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)},
    )
    mark = b"\n" + b"a" * 32 + b"b" * 32
    assert done.stdout == mark + b" file present safe\nx\n" + mark + b" end\n" + mark + b" done\n"
    assert done.stderr == b""
    assert file.read_bytes() == REPLY
    assert [path.name for path in file.parent.iterdir()] == ["authorized_keys"]


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_every_login_shell_will_do(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not on this machine")
    with door(tmp_path, {}, program) as at:
        at.arranged(arrangement(A))
        assert at.account.content == OURS


NOISE = 'echo "welcome \\$HOME"; printf "no end"; echo oops >&2; cd /tmp; alias cat=false\n'


@pytest.mark.parametrize(
    "settings", [{}, {"Subsystem": "sftp /usr/lib/openssh/sftp-server"}], ids=["alone", "with SFTP"]
)
def test_noise_of_start_files_is_passed_over(settings: dict[str, object], tmp_path: Path) -> None:
    with door(tmp_path, settings, "/bin/bash") as at:
        (at.account.home / ".bashrc").write_text(NOISE)
        at.account.own()
        assert at.arranged(arrangement(A)).changed
        assert not at.arranged(arrangement(A)).changed
        assert at.account.content == OURS


def cause(told: Arranged | Failed) -> object:
    assert isinstance(told, Failed), told
    return told.facts.get("cause")


@pytest.mark.parametrize(
    ("command", "shell"),
    [
        pytest.param("cat", "/bin/sh", id="that echoes"),
        pytest.param("true", "/bin/sh", id="that says nothing"),
        pytest.param("yes", "/bin/sh", id="that never ends"),
        pytest.param("none", "/usr/sbin/nologin", id="of an account without a shell"),
        pytest.param("none", "/bin/false", id="of an account whose shell fails"),
    ],
)
def test_forced_command_is_told(command: str, shell: str, tmp_path: Path) -> None:
    with door(tmp_path, {"ForceCommand": command}, shell) as at:
        at.account.holds("x\n")
        assert cause(at.arrange(arrangement(A))) == "NoShell"
        assert at.account.content == "x\n"


def test_forced_sftp_is_enough(tmp_path: Path) -> None:
    with door(tmp_path, {"Subsystem": "sftp internal-sftp", "ForceCommand": "internal-sftp"}, "/bin/false") as at:
        at.arranged(arrangement(A))
        assert at.account.content == OURS


@pytest.mark.parametrize("settings", [{}, {"Subsystem": "sftp internal-sftp"}], ids=["a shell", "SFTP"])
@pytest.mark.parametrize(("kind", "expected"), [("full", "DiskFull"), ("read-only", "ReadOnly")])
def test_disk_that_takes_nothing_is_told(settings: dict[str, object], kind: str, expected: str, tmp_path: Path) -> None:
    with door(tmp_path, settings) as at, mounted(at, kind):
        before = at.account.content
        assert cause(at.arrange(arrangement(A))) == expected
        assert at.account.content == before
        assert at.account.names() == {"authorized_keys"}


@contextmanager
def mounted(at: Door, kind: str) -> Iterator[None]:
    """Put a small disk under the home folder, with a file that leaves too little for a second one."""
    home = at.account.home
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", home], check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        at.account.holds("x\n" * 20_000)
        at.account.own()
        with (home / "rest").open("wb", buffering=0) as rest, suppress(OSError):
            while rest.write(b"#" * 4096):
                pass
        if kind == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", home], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", home], check=True)
