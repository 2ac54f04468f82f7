"""The SSHCredentialExport that a command line asks for: pure, apart from the files that it names. Used by `export`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypedDict

import click
import yaml

from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.export_spec import CREDENTIAL_NAME, Profile
from sshcredential_operator.api.names import API_VERSION, EXPORT_KIND
from sshcredential_operator.cli.files import Unreadable, read_file, shown_name
from sshcredential_operator.cli.jwk_files import recipient_in
from sshcredential_operator.exports.profiles import LAYOUTS
from sshcredential_operator.keys.known_hosts import MAX_BYTES, BadLine, known_hosts

ENDINGS: Final = {
    Profile.SSH_AUTH: "ssh-auth",
    Profile.FLUX: "flux",
    Profile.ARGO_CD_REPOSITORY: "argocd",
    Profile.GIT_SYNC: "git-sync",
    Profile.SEALED: "sealed",
    None: "recipient",
}
"""What comes after the credential's name where none is given; None is a copy for a recipient."""
SHORTEST: Final = timedelta(minutes=1)


class Asked(TypedDict):
    """What the options say of the copy."""

    profile: str | None
    secret_name: str | None
    url: str | None
    username: str | None
    known_hosts: str | None
    target: str | None
    private_key_format: str
    strip_passphrase: bool
    expires_after: str | None
    recipient: Path | None
    export_name: str | None


def manifest(credential: str, asked: Asked) -> dict[str, Any]:
    """Return the manifest, or raise click's error of wrong use. What the API server judges is left to it."""
    if (asked["profile"] is None) == (asked["recipient"] is None):
        raise click.UsageError("Give exactly one of --profile (a plain copy) and --recipient (one that only it opens).")
    profile = Profile(asked["profile"]) if asked["profile"] else None
    _require_name(credential, "NAME")
    name = asked["export_name"] or f"{credential}-{ENDINGS[profile]}"
    _require_name(name, "--export-name")
    return {
        "apiVersion": API_VERSION,
        "kind": EXPORT_KIND,
        "metadata": {"name": name},
        "spec": {
            "credentialRef": {"name": credential},
            "secretName": asked["secret_name"] or name,
            **_for_whom(profile, asked),
            **_how(asked),
        },
    }


def as_yaml(found: dict[str, Any]) -> str:
    """Return a manifest as a person would write it."""
    return yaml.dump(found, Dumper=_Plain, sort_keys=False)


def _for_whom(profile: Profile | None, asked: Asked) -> dict[str, Any]:
    hosts, target, url = asked["known_hosts"], asked["target"], asked["url"]
    if hosts is not None and target is not None:
        raise click.UsageError(
            "Give at most one of --known-hosts (a file) and --target (the host keys that it trusts)."
        )
    given: dict[str, Any] = {"url": url, "username": asked["username"]}
    given["knownHosts"] = None if hosts is None else {"inline": _host_keys(hosts)}
    given["targetRef"] = None if target is None else {"name": target}
    if profile is None:
        return {"recipient": {"publicKey": _public_key(asked["recipient"])}, **_without_none(given)}
    if LAYOUTS[profile].needs_url and url is None:
        raise click.UsageError(f"--profile {profile} needs --url, the repository's address.")
    if LAYOUTS[profile].needs_known_hosts and hosts is None and target is None:
        raise click.UsageError(
            f"--profile {profile} needs --known-hosts, a file with the server's host keys, or --target, an SSHTarget."
        )
    return {"profile": profile.value, **_without_none(given)}


def _how(asked: Asked) -> dict[str, Any]:
    after = asked["expires_after"]
    if after is not None and (parse_duration(after) or timedelta()) < SHORTEST:
        raise click.BadParameter("is no duration such as 8h or 1h30m, of at least 1m", param_hint="--expires-after")
    return _without_none(
        {
            "privateKeyFormat": "PEM" if asked["private_key_format"] == "PEM" else None,
            "passphrase": "Strip" if asked["strip_passphrase"] else None,
            "expiresAfter": after,
        }
    )


def _require_name(name: str, where: str) -> None:
    if CREDENTIAL_NAME.fullmatch(name) is None:
        raise click.BadParameter(
            f"{shown_name(name)} is no name: 2 to 63 lower-case letters, digits or dashes", param_hint=where
        )


def _host_keys(file: str) -> str:
    content = read_file(file, MAX_BYTES)
    if isinstance(content, Unreadable):
        raise click.BadParameter(f"{shown_name(file)}: {content.why}", param_hint="--known-hosts")
    lines = known_hosts(content.reveal().decode("utf-8", "replace"))
    if isinstance(lines, BadLine):
        where = f"line {lines.number}" if lines.number else "it has no host, or is too long"
        raise click.BadParameter(f"{shown_name(file)} is no known_hosts file: {where}", param_hint="--known-hosts")
    return lines


def _public_key(file: Path | None) -> dict[str, str]:
    """Return the public half and nothing else, whatever else the file holds."""
    return {"kty": "OKP", "crv": "X25519", "x": recipient_in(Path(str(file)), "--recipient").x}


def _without_none(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


class _Plain(yaml.SafeDumper):
    """Writes known hosts line by line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)
