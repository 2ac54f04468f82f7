"""A real sshd on the loopback, without any rights of its own, for a client that has nothing but the exported files."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from controlplane.waiting import wait_until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
PRIVILEGES = Path("/run/sshd")


class Sshd(NamedTuple):
    """A running one: where it listens, what a client has to know of it, and whom it lets in."""

    port: int
    known_hosts: str
    authorized_keys: Path
    user: str
    log: Path

    def let_in(self, public_key: str) -> None:
        """Take another public key for one that may log in."""
        with self.authorized_keys.open("a") as keys:
            keys.write(f"{public_key}\n")

    def accepted(self) -> list[str]:
        """Return the fingerprint of the key of each login so far."""
        return re.findall(r"^Accepted publickey for .* (SHA256:\S+)$", self.log.read_text(), re.MULTILINE)


@contextmanager
def running(folder: Path) -> Iterator[Sshd]:
    """Run sshd as the present user, until the end of the block."""
    assert SSHD, "sshd is missing: apt-get install openssh-server"
    folder.chmod(0o700)
    host_key, keys = folder / "host_key", folder / "authorized_keys"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
    keys.touch(0o600)
    if os.geteuid() == 0:  # it separates its privileges then, in a place that is built into it
        PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host_key,
        "AuthorizedKeysFile": keys,
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    log_file = folder / "sshd.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(port), f"sshd answers (log: {log_file})")
        public = (folder / "host_key.pub").read_text().split()
        yield Sshd(port, f"[127.0.0.1]:{port} {public[0]} {public[1]}", keys, getpass.getuser(), log_file)
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
