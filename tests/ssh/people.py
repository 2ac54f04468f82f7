"""What a visit is made with, in the tests: keys, routes, and the smallest trust that says what it is told."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ssh.servers import ADDRESS, Pair, Sshd, make_key
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.destinations import destinations
from sshcredential_operator.ssh.host_keys import Distrust
from sshcredential_operator.ssh.signing import blob_of
from sshcredential_operator.ssh.visit import Hop, PrivateKey, Route

LOOPBACK = destinations(("127.0.0.0/8", "::1"))
PLAIN = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
CERTIFICATES = tuple(f"{name}-cert-v01@openssh.com" for name in PLAIN)


UNKNOWN = Distrust(TargetReason.HOST_KEY_UNKNOWN)


@dataclass(frozen=True)
class Only:
    """Trusts these host keys, in wire form, and says the same of all others."""

    blobs: frozenset[bytes]
    otherwise: Distrust = UNKNOWN
    names: tuple[str, ...] = PLAIN

    def algorithms(self) -> tuple[str, ...]:
        return self.names

    def judge(self, blob: bytes) -> Distrust | None:
        return None if blob in self.blobs else self.otherwise


@dataclass(frozen=True)
class Anything:
    """Trusts every host key."""

    names: tuple[str, ...] = CERTIFICATES + PLAIN

    def algorithms(self) -> tuple[str, ...]:
        return self.names

    def judge(self, blob: bytes) -> Distrust | None:  # noqa: ARG002 - whatever it is
        return None


def hop_to(server: Sshd, host: str = ADDRESS) -> Hop:
    return Hop(
        host, server.port, server.user, Only(frozenset(blob for key in server.host_keys if (blob := blob_of(key))))
    )


def hop_at(port: int) -> Hop:
    return Hop(ADDRESS, port, "nextflow", Anything())


def route_to(hop: Hop, *jumps: tuple[Hop, PrivateKey], timeout: float = 30) -> Route:
    return Route(jumps, hop, timeout)


def private_key(pair: Pair) -> PrivateKey:
    return PrivateKey(fingerprint(pair.public), Sensitive(pair.private.read_bytes()))


def fingerprint(public_key: str) -> str:
    listed = subprocess.run(["ssh-keygen", "-lf", "-"], input=public_key, text=True, capture_output=True, check=True)
    return listed.stdout.split()[1]


def new_key(folder: Path, server: Sshd | None = None, kind: str = "ed25519", bits: int | None = None) -> Pair:
    """Make a key pair; the server, if given, lets it in."""
    pair = make_key(folder / f"key-{kind}-{bits}", kind, bits)
    if server:
        server.let_in(pair.public)
    return pair
