"""A real ssh and a real sshd, without a network between them, judge host keys as `ssh/trusting.py` has them judged."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts
from sshcredential_operator.api.target_spec import HostKeyPolicy, HostKeys
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.ssh.trusting import host_trust, known_hosts_lines
from unit.keys.key_files import ED25519, P256, RSA2048, KeyFiles
from unit.ssh.certificates import HOST, Authority, blob_in, short

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
PRIVILEGES = Path("/run/sshd")
FILE = ConfigMapKnownHosts("hosts", "known_hosts")

pytestmark = pytest.mark.skipif(SSHD is None, reason="sshd is missing: apt-get install openssh-server")


class Door:
    """Asks ssh whether it would trust a server that has these host keys."""

    def __init__(self, folder: Path, host_keys: list[Path], certificate: Path | None) -> None:
        if os.geteuid() == 0:  # it separates its privileges then, in a place that is built into it
            PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        lines = [f"HostKey {path}" for path in host_keys]
        lines += [f"HostCertificate {certificate}"] if certificate else []
        lines += ["UsePAM no", "StrictModes no", "AuthenticationMethods publickey", "PidFile none"]
        self._config, self._known = folder / "sshd_config", folder / "known_hosts"
        self._config.write_text("".join(f"{line}\n" for line in lines))

    def is_trusted(self, known_hosts: str, port: int) -> bool:
        self._known.write_text(known_hosts)
        options = {
            "ProxyCommand": f"{SSHD} -i -f {self._config}",
            "UserKnownHostsFile": self._known,
            "GlobalKnownHostsFile": "/dev/null",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "PreferredAuthentications": "none",
            "Port": port,
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        done = subprocess.run(["ssh", "-F", "none", *given, HOST, "true"], capture_output=True, check=False, timeout=60)
        trusted = b"Permission denied" in done.stderr
        refused = b"Host key verification failed" in done.stderr
        assert trusted != refused, done.stderr
        return trusted


GOOD = ("-h", "-n", HOST)
CASES = [
    pytest.param("{h} {ed}", 22, None, True, id="a known key"),
    pytest.param("{h} {ec}", 22, None, True, id="a known key that is not the best of the server"),
    pytest.param("{h} {rsa}", 22, None, False, id="another key"),
    pytest.param("x{h} {ed}", 22, None, False, id="nothing about the host"),
    pytest.param("*.ORG,!x {ed}", 22, None, True, id="a pattern"),
    pytest.param("*.org,!{h} {ed}", 22, None, False, id="all but this host"),
    pytest.param("[{h}]:2222 {ed}", 2222, None, True, id="a port"),
    pytest.param("{h} {ed}", 2222, None, True, id="the name without the port"),
    pytest.param("{h} {ed}\n[{h}]:2222 {rsa}", 2222, None, False, id="the port goes before the name"),
    pytest.param("[{h}]:2222 {ed}", 22, None, False, id="a port that is not asked for"),
    pytest.param("{h} {ed}\n@revoked * {ed}", 22, None, False, id="a revoked key"),
    pytest.param("@cert-authority {h} {ca}", 22, GOOD, True, id="a certificate"),
    pytest.param("@cert-authority {h} {ca}", 2222, GOOD, True, id="a certificate, an authority without the port"),
    pytest.param("@cert-authority {h} {rsa}", 22, GOOD, False, id="a certificate of a stranger"),
    pytest.param("{h} {ca}", 22, GOOD, False, id="an authority that is not marked"),
    pytest.param("@cert-authority {h} {ca}", 22, None, False, id="no certificate"),
    pytest.param("@cert-authority {h} {ca}", 22, ("-h", "-n", "x"), False, id="a certificate for another host"),
    pytest.param("@cert-authority {h} {ca}", 22, ("-h", "-n", HOST.upper()), False, id="a certificate in capitals"),
    pytest.param("@cert-authority {h} {ca}", 22, (*GOOD, "-V", "-2d:-1d"), False, id="an old certificate"),
    pytest.param("@cert-authority {h} {ca}", 22, (*GOOD, "-V", "+1d:+2d"), False, id="a certificate to come"),
    pytest.param("@cert-authority {h} {ca}", 22, (*GOOD, "-O", "critical:x=y"), False, id="a critical option"),
    pytest.param("@cert-authority {h} {ca}\n{h} {ed}", 22, ("-h", "-n", "x"), True, id="a bad one of a known key"),
    pytest.param("@cert-authority {h} {ca}\n@revoked * {ca}", 22, GOOD, False, id="a revoked authority"),
    pytest.param("@cert-authority {h} {ca}\n@revoked * {ed}", 22, GOOD, False, id="a revoked key, certified"),
]


@pytest.mark.parametrize(("text", "port", "certified", "trusted"), CASES)
def test_ssh_judges_alike(
    text: str, port: int, certified: tuple[str, ...] | None, trusted: bool, key_files: KeyFiles, tmp_path: Path
) -> None:
    authority = Authority(key_files, ED25519, tmp_path)
    kinds = [ED25519] if certified else [ED25519, P256]
    lines = {n: short(key_files.line(kind)) for n, kind in {"ed": ED25519, "ec": P256, "rsa": RSA2048}.items()}
    known = text.format(h=HOST, ca=authority.line, **lines) + "\n"
    certificate = authority.file(ED25519, *certified) if certified else None

    door = Door(tmp_path, [key_files.original(kind) for kind in kinds], certificate)
    assert door.is_trusted(known, port) is trusted

    given = HostKeys(HostKeyPolicy.CERTIFICATE_AUTHORITY, (), FILE)
    trust = host_trust(given, host=HOST, port=port, now=datetime.now(UTC), known_hosts=known)
    assert not isinstance(trust, BadLine)
    offered = {f"{short(key_files.line(kind)).split()[0]}": blob_in(key_files.line(kind)) for kind in kinds}
    if certificate:
        offered["ssh-ed25519-cert-v01@openssh.com"] = blob_in(certificate.read_text())
    shown = next(offered[name] for name in trust.algorithms() if name in offered)
    assert (trust.judge(shown) is None) is trusted
    if trusted:
        assert door.is_trusted(known_hosts_lines(trust, HOST, port), port)
