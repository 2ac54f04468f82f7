"""Specs of SSHCredentialExports, for tests that need many that differ in one thing."""

from __future__ import annotations

from typing import Any, Final

RECIPIENT_X: Final = "8RVaC5kWb2cGfcdX0mE3qPpaAYoGz3Tz1l3v0K9dDwA"
BASE: Final[dict[str, Any]] = {"credentialRef": {"name": "hpc-login"}, "secretName": "git-auth"}
"""What every export says; one of profile and recipient is missing."""

PLAIN: Final = BASE | {"profile": "Flux"}


def plain(**members: Any) -> dict[str, Any]:
    """Return the spec of a plain copy."""
    return PLAIN | members


def sealed(**members: Any) -> dict[str, Any]:
    """Return the spec of a copy for a recipient; `members` are of its public key."""
    return BASE | {"recipient": {"publicKey": {"kty": "OKP", "crv": "X25519", "x": RECIPIENT_X} | members}}


def hosts(**members: Any) -> dict[str, Any]:
    """Return the spec of a plain copy with known hosts."""
    return plain(knownHosts=members)
