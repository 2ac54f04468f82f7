"""The spec of an SSHTarget as a frozen value, parsed once when the object arrives. Used by `targets` and the stores.

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
from sshcredential_operator.api.export_spec import CREDENTIAL_NAME, ConfigMapKnownHosts
from sshcredential_operator.api.spec import SECRET_KEY, SECRET_NAME, InvalidSpec, SecretKeyRef
from sshcredential_operator.api.spec_reading import UnfitFieldError, choice, mapping, text

HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:]{2,39}(\.[0-9.]{1,12})?"
)
"""A DNS name or an IPv4 address; or an IPv6 address, without brackets and without a zone."""
USERNAME: Final = re.compile(r"[!-,.-~][!-~]{0,255}")
KEY_OPTIONS: Final = re.compile(r"[ -~]{0,1024}")
MAX_HOST_KEYS: Final = 32
MAX_PORT: Final = 65535
SHORTEST_EVERY: Final = timedelta(minutes=1)
SHORTEST_TIMEOUT: Final = timedelta(seconds=1)
LONGEST_TIMEOUT: Final = timedelta(minutes=2)


class HostKeyPolicy(StrEnum):
    """How a server proves that it is the right one."""

    PINNED = "Pinned"
    CERTIFICATE_AUTHORITY = "CertificateAuthority"
    TRUST_ON_FIRST_USE = "TrustOnFirstUse"


class Manage(StrEnum):
    """Who writes the account's authorized_keys."""

    NONE = "None"
    INSTALL = "Install"


class CredentialBootstrap(NamedTuple):
    """Log in with another credential of the namespace until the own key is installed."""

    credential: str


Bootstrap = SecretKeyRef | CredentialBootstrap


@dataclass(frozen=True, slots=True)
class HostKeys:
    """What is known of the server beforehand: lines in the spec, or in a ConfigMap; neither for TrustOnFirstUse.

    A line of `keys` is `type base64 [comment]`: the server's own keys, or for CertificateAuthority those of the CAs.
    A ConfigMap holds lines of a known_hosts file.
    """

    policy: HostKeyPolicy
    keys: tuple[str, ...] = ()
    known_hosts: ConfigMapKnownHosts | None = None


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """A spec that can be worked with."""

    credential: str
    host: str
    username: str
    host_keys: HostKeys
    port: int = 22
    jump: str | None = None
    """metadata.name of the SSHTarget to go through."""
    manage: Manage = Manage.NONE
    key_options: str = ""
    """Options before the installed line, such as `restrict,pty`."""
    bootstrap: Bootstrap | None = None
    every: timedelta = timedelta(hours=12)
    timeout: timedelta = timedelta(seconds=10)

    @property
    def credentials(self) -> tuple[str, ...]:
        """Return the credentials that this target uses."""
        other = (self.bootstrap.credential,) if isinstance(self.bootstrap, CredentialBootstrap) else ()
        return tuple(dict.fromkeys((self.credential, *other)))


def parse_target_spec(raw: object) -> TargetSpec | InvalidSpec:
    """Return the parsed spec, or the first field that does not fit."""
    try:
        return _parse(mapping(raw, "spec"))
    except UnfitFieldError as error:
        return InvalidSpec(error.field)


def credential_named(raw: object) -> str | None:
    """Return the credential that a spec names, whatever else is in it; None where that alone cannot be read."""
    try:
        return _reference(mapping(raw, "spec").get("credentialRef"), "spec.credentialRef")
    except UnfitFieldError:
        return None


def _parse(raw: Mapping[str, Any]) -> TargetSpec:
    port = raw.get("port", 22)
    if type(port) is not int or not 0 < port <= MAX_PORT:
        raise UnfitFieldError("spec.port")
    managed = mapping(raw.get("authorizedKey", {}), "spec.authorizedKey")
    probe = mapping(raw.get("probe", {}), "spec.probe")
    return TargetSpec(
        credential=_reference(raw.get("credentialRef"), "spec.credentialRef"),
        host=text(raw.get("host"), HOST, "spec.host"),
        port=port,
        username=text(raw.get("username"), USERNAME, "spec.username"),
        jump=_reference(raw["jumpTargetRef"], "spec.jumpTargetRef") if "jumpTargetRef" in raw else None,
        host_keys=_host_keys(mapping(raw.get("hostKeys"), "spec.hostKeys")),
        manage=choice(managed.get("manage", "None"), Manage, "spec.authorizedKey.manage"),
        key_options=text(managed.get("options", ""), KEY_OPTIONS, "spec.authorizedKey.options"),
        bootstrap=_bootstrap(managed.get("bootstrap")),
        every=_duration(probe.get("every", "12h"), "spec.probe.every", SHORTEST_EVERY),
        timeout=min(_duration(probe.get("timeout", "10s"), "spec.probe.timeout", SHORTEST_TIMEOUT), LONGEST_TIMEOUT),
    )


def _host_keys(raw: Mapping[str, Any]) -> HostKeys:
    policy = choice(raw.get("policy"), HostKeyPolicy, "spec.hostKeys.policy")
    keys, known = raw.get("keys", []), raw.get("knownHosts")
    if not isinstance(keys, list) or len(keys) > MAX_HOST_KEYS or not all(_is_line(key) for key in keys):
        raise UnfitFieldError("spec.hostKeys.keys")
    given = bool(keys) + (known is not None)
    if given != (policy is not HostKeyPolicy.TRUST_ON_FIRST_USE):
        raise UnfitFieldError("spec.hostKeys")
    return HostKeys(policy, tuple(keys), None if known is None else _config_map(known))


def _config_map(raw: object) -> ConfigMapKnownHosts:
    given = mapping(raw, "spec.hostKeys.knownHosts")
    return ConfigMapKnownHosts(
        text(given.get("configMapName"), SECRET_NAME, "spec.hostKeys.knownHosts.configMapName"),
        text(given.get("key", "known_hosts"), SECRET_KEY, "spec.hostKeys.knownHosts.key"),
    )


def _bootstrap(raw: object) -> Bootstrap | None:
    if raw is None:
        return None
    field = "spec.authorizedKey.bootstrap"
    given = mapping(raw, field)
    if ("passwordSecret" in given) == ("credentialRef" in given):
        raise UnfitFieldError(field)
    if "credentialRef" in given:
        return CredentialBootstrap(_reference(given["credentialRef"], f"{field}.credentialRef"))
    secret = mapping(given["passwordSecret"], f"{field}.passwordSecret")
    return SecretKeyRef(
        text(secret.get("name"), SECRET_NAME, f"{field}.passwordSecret.name"),
        text(secret.get("key", "password"), SECRET_KEY, f"{field}.passwordSecret.key"),
    )


def _reference(raw: object, field: str) -> str:
    return text(mapping(raw, field).get("name"), CREDENTIAL_NAME, f"{field}.name")


def _duration(raw: object, field: str, least: timedelta) -> timedelta:
    parsed = parse_duration(raw) if isinstance(raw, str) else None
    if parsed is None or parsed < least:
        raise UnfitFieldError(field)
    return parsed


def _is_line(raw: object) -> bool:
    return isinstance(raw, str) and raw.isascii() and raw.isprintable()
