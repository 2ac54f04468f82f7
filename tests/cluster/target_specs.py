"""Specs of SSHTargets that are right, for tests that make one mistake in them, and public keys of every type."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HOST_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsvUCeHXCOIgQ6yTV8XAJmKPY1rAG05zAdwf22CPDq3"
PINNED: Final[dict[str, Any]] = {
    "credentialRef": {"name": "hpc-login"},
    "host": "login.hpc.example.org",
    "username": "nextflow",
    "hostKeys": {"policy": "Pinned", "keys": [HOST_KEY]},
}
FILLED: Final[dict[str, Any]] = {
    "port": 22,
    "authorizedKey": {"manage": "None"},
    "probe": {"every": "12h", "timeout": "10s"},
}
"""What the API server adds."""
TRUST_ON_FIRST_USE: Final = {"policy": "TrustOnFirstUse"}


def fresh_host_keys() -> dict[str, str]:
    """Return a fresh public key of every type that there is, as a .pub file has it."""
    keys: dict[str, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "RSA of 2048 bits": rsa.generate_private_key(65537, 2048),
    }
    return {
        name: key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        for name, key in keys.items()
    }


def pinned(**members: Any) -> dict[str, Any]:
    """Return a spec with a pinned host key."""
    return PINNED | members


def keys(*lines: str, policy: str = "Pinned") -> dict[str, Any]:
    """Return a spec with these host keys."""
    return pinned(hostKeys={"policy": policy, "keys": [*lines]})


def installing(**members: Any) -> dict[str, Any]:
    """Return a spec whose key the operator installs; `members` are of authorizedKey."""
    return pinned(authorizedKey={"manage": "Install"} | members)


def bootstrapped(**members: Any) -> dict[str, Any]:
    """Return a spec with such a bootstrap."""
    return installing(bootstrap=members)


def probed(**members: Any) -> dict[str, Any]:
    """Return a spec that is probed so."""
    return pinned(probe=members)
