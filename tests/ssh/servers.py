"""Real sshds on the loopback, without any rights of their own: with host certificates, as jump hosts, full, strict.

They run as whoever runs the tests, so that is who logs in.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from controlplane.waiting import wait_until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
PRIVILEGES = Path("/run/sshd")
ADDRESS = "127.0.0.1"


class Sshd(NamedTuple):
    """A running one: where it listens, what a client has to know of it, and whom it lets in."""

    port: int
    host_keys: tuple[str, ...]
    authorized_keys: Path
    user: str
    log: Path

    @property
    def known_hosts(self) -> str:
        """The line of known_hosts for its first host key."""
        return f"[{ADDRESS}]:{self.port} {self.host_keys[0]}"

    def let_in(self, public_key: str) -> None:
        """Take another public key for one that may log in."""
        with self.authorized_keys.open("a") as keys:
            keys.write(f"{public_key}\n")

    def accepted(self) -> list[str]:
        """Return the fingerprint of the key of each login so far."""
        return re.findall(r"^Accepted publickey for .* (SHA256:\S+)$", self.log.read_text(), re.MULTILINE)


class Pair(NamedTuple):
    """A key pair's two files."""

    private: Path
    public: str
    """`type base64`."""


def make_key(place: Path, kind: str = "ed25519", bits: int | None = None) -> Pair:
    """Make a key pair with ssh-keygen, without passphrase and comment."""
    size = () if bits is None else ("-b", str(bits))
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "", "-f", place], check=True)
    return Pair(place, place.with_name(f"{place.name}.pub").read_text().strip())


def certify(host_key: Path, ca: Path, *, principals: str = ADDRESS) -> Path:
    """Let a CA sign a host key; return the certificate's file."""
    subprocess.run(
        ["ssh-keygen", "-q", "-s", ca, "-I", "host", "-h", "-n", principals, f"{host_key}.pub"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return host_key.with_name(f"{host_key.name}-cert.pub")


@contextmanager
def running(
    folder: Path,
    settings: Mapping[str, object] | None = None,
    *,
    host_keys: tuple[Path, ...] = (),
) -> Iterator[Sshd]:
    """Run sshd as the present user, until the end of the block. `settings` are lines of sshd_config."""
    assert SSHD, "sshd is missing: apt-get install openssh-server"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    host_keys = host_keys or (make_key(folder / "host_key").private,)
    keys = folder / "authorized_keys"
    keys.touch(0o600)
    if os.geteuid() == 0:  # it separates its privileges then, in a place that is built into it
        PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
    with socket.create_server((ADDRESS, 0)) as free:
        port = free.getsockname()[1]
    config, log_file = folder / "sshd_config", folder / "sshd.log"
    config.write_text(_config(port, keys, host_keys, settings or {}))
    with log_file.open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: "Server listening on" in log_file.read_text(), f"sshd listens (log: {log_file})")
        shown = tuple(" ".join(Path(f"{key}.pub").read_text().split()[:2]) for key in host_keys)
        yield Sshd(port, shown, keys, getpass.getuser(), log_file)
    finally:
        process.terminate()
        process.wait(10)


def _config(port: int, keys: Path, host_keys: tuple[Path, ...], settings: Mapping[str, object]) -> str:
    lines = {
        "Port": port,
        "ListenAddress": ADDRESS,
        "AuthorizedKeysFile": keys,
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        **settings,
    }
    return "".join(f"HostKey {key}\n" for key in host_keys) + "".join(f"{k} {v}\n" for k, v in lines.items())
