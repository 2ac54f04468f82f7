"""X25519 keys in files that people name, as JWK (RFC 8037): whom something is sealed to, and who opens it.

Used by the commands of exports, copies and backups.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.files import json_object_in
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.backup_seal import Identity
from sshcredential_operator.encryption.recipient import RecipientKey, recipient_key
from sshcredential_operator.encryption.x25519_jwe import KEY_SIZE

MAX_BYTES: Final = 64 * 1024


def recipient_in(file: Path, option: str) -> RecipientKey:
    """Return the public key, and nothing else whatever else the file holds; end with one sentence about `option`."""
    key = json_object_in(file, MAX_BYTES)
    found = recipient_key(key.get("x")) if _is_x25519(key) else None
    if found is None:
        raise click.BadParameter("is no JWK with kty OKP, crv X25519 and x", param_hint=option)
    return found


def identity_in(file: Path, option: str) -> Identity:
    """Return the private key; end with one sentence about `option`."""
    key = json_object_in(file, MAX_BYTES)
    public, d = recipient_key(key.get("x")), b64url.decode(key.get("d"))
    if not _is_x25519(key) or public is None or d is None or len(d) != KEY_SIZE:
        raise click.BadParameter(
            "is no private key: a JWK with kty OKP, crv X25519, x and d is needed", param_hint=option
        )
    return Identity(public.x, Sensitive(d))


def _is_x25519(key: dict[str, Any]) -> bool:
    return (key.get("kty"), key.get("crv")) == ("OKP", "X25519")
