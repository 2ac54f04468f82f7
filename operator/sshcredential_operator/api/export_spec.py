"""The spec of an SSHCredentialExport as a frozen value, parsed once when the object arrives. Used by `exports`.

The API server has checked all this by the CRD's schema; what still does not fit becomes an `InvalidSpec`, not an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.spec import SECRET_KEY, SECRET_NAME, InvalidSpec
from sshcredential_operator.api.spec_reading import UnfitFieldError, choice, mapping, text

CREDENTIAL_NAME: Final = re.compile("[a-z0-9][-a-z0-9]{0,61}[a-z0-9]")
RECIPIENT_X: Final = re.compile("[A-Za-z0-9_-]{43}")


class Profile(StrEnum):
    """Whose form a copy has."""

    SSH_AUTH = "SSHAuth"
    FLUX = "Flux"
    ARGO_CD_REPOSITORY = "ArgoCDRepository"
    GIT_SYNC = "GitSync"
    SEALED = "Sealed"
    """That of spec.sealed, for the operator itself: the only one that is no plain copy."""


class Passphrase(StrEnum):
    """What becomes of the key's passphrase."""

    KEEP = "Keep"
    STRIP = "Strip"


class KeyForm(StrEnum):
    """The form of the private key in a copy."""

    OPENSSH = "OpenSSH"
    PEM = "PEM"


class InlineKnownHosts(NamedTuple):
    """Lines of a known_hosts file."""

    text: str


class ConfigMapKnownHosts(NamedTuple):
    """A key of a ConfigMap in the same namespace."""

    name: str
    key: str


class TargetKnownHosts(NamedTuple):
    """The host keys that an SSHTarget of the same namespace trusts."""

    name: str


KnownHosts = InlineKnownHosts | ConfigMapKnownHosts | TargetKnownHosts


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """A spec that can be worked with. Exactly one of `profile` and `recipient` (the `x` of an X25519 key) is given."""

    credential: str
    secret_name: str
    profile: Profile | None
    recipient: str | None
    url: str | None = None
    username: str | None = None
    known_hosts: KnownHosts | None = None
    pem: bool = False
    passphrase: Passphrase = Passphrase.KEEP
    expires_after: timedelta | None = None

    @property
    def is_plain(self) -> bool:
        """Whether anybody who reads the copy can use it."""
        return self.profile not in {None, Profile.SEALED}


def parse_export_spec(raw: object) -> ExportSpec | InvalidSpec:
    """Return the parsed spec, or the first field that does not fit."""
    try:
        return _parse(mapping(raw, "spec"))
    except UnfitFieldError as error:
        return InvalidSpec(error.field)


def _parse(raw: Mapping[str, Any]) -> ExportSpec:
    recipient = raw.get("recipient")
    profile = None if raw.get("profile") is None else choice(raw["profile"], Profile, "spec.profile")
    if (profile is None) == (recipient is None):
        raise UnfitFieldError("spec.profile")
    form = choice(raw.get("privateKeyFormat", "OpenSSH"), KeyForm, "spec.privateKeyFormat")
    passphrase = choice(raw.get("passphrase", "Keep"), Passphrase, "spec.passphrase")
    if profile is Profile.SEALED:
        _require_whole_key(raw)
    reference = mapping(raw.get("credentialRef"), "spec.credentialRef")
    return ExportSpec(
        credential=text(reference.get("name"), CREDENTIAL_NAME, "spec.credentialRef.name"),
        secret_name=text(raw.get("secretName"), SECRET_NAME, "spec.secretName"),
        profile=profile,
        recipient=None if recipient is None else _recipient(recipient),
        url=_line(raw.get("url"), "spec.url"),
        username=_line(raw.get("username"), "spec.username"),
        known_hosts=_known_hosts(raw.get("knownHosts"), raw.get("targetRef")),
        pem=form is KeyForm.PEM,
        passphrase=passphrase,
        expires_after=_duration(raw.get("expiresAfter")),
    )


def _require_whole_key(raw: Mapping[str, Any]) -> None:
    for field, only in (("privateKeyFormat", "OpenSSH"), ("passphrase", "Keep")):
        if raw.get(field, only) != only:
            raise UnfitFieldError(f"spec.{field}")


def _recipient(raw: object) -> str:
    key = mapping(mapping(raw, "spec.recipient").get("publicKey"), "spec.recipient.publicKey")
    if (key.get("kty"), key.get("crv")) != ("OKP", "X25519"):
        raise UnfitFieldError("spec.recipient.publicKey")
    return text(key.get("x"), RECIPIENT_X, "spec.recipient.publicKey.x")


def _known_hosts(raw: object, target: object) -> KnownHosts | None:
    if target is not None and raw is not None:
        raise UnfitFieldError("spec.targetRef")
    if target is not None:
        name = mapping(target, "spec.targetRef").get("name")
        return TargetKnownHosts(text(name, CREDENTIAL_NAME, "spec.targetRef.name"))
    if raw is None:
        return None
    given = mapping(raw, "spec.knownHosts")
    inline = given.get("inline")
    if isinstance(inline, str) and "configMapName" not in given:
        return InlineKnownHosts(inline)
    if inline is not None:
        raise UnfitFieldError("spec.knownHosts")
    return ConfigMapKnownHosts(
        text(given.get("configMapName"), SECRET_NAME, "spec.knownHosts.configMapName"),
        text(given.get("key", "known_hosts"), SECRET_KEY, "spec.knownHosts.key"),
    )


def _duration(raw: object) -> timedelta | None:
    if raw is None:
        return None
    parsed = parse_duration(raw) if isinstance(raw, str) else None
    if parsed is None:
        raise UnfitFieldError("spec.expiresAfter")
    return parsed


def _line(raw: object, field: str) -> str | None:
    if raw is not None and not (isinstance(raw, str) and raw.isprintable()):
        raise UnfitFieldError(field)
    return raw
