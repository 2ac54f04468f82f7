"""The status of an SSHTarget as a frozen value: read from the object, computed anew, compared, written.

As in `api/status.py`: whatever somebody else wrote into it and does not fit makes it differ, and be overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.conditions import (
    Condition,
    HasConditions,
    canonical,
    condition_json,
    items,
    of_type,
    parse_condition,
)

HOST_KEY_TRUSTED: Final = "HostKeyTrusted"
AUTHENTICATED: Final = "Authenticated"
INSTALLED: Final = "Installed"


class SeenHostKey(NamedTuple):
    """A server's host key: type as SSH names it, fingerprint, `type base64` without comment, and since when."""

    type: str
    fingerprint: str
    public_key: str
    since: str


class RetiredKey(NamedTuple):
    """A key that once logged in here and is the credential's no more, until the server is seen to refuse it."""

    fingerprint: str
    public_key: str


@dataclass(frozen=True, slots=True)
class TargetStatus(HasConditions):
    """The whole status."""

    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    host_key: SeenHostKey | None = None
    """The host key that the last good login was made with; for TrustOnFirstUse also the one that is trusted."""
    offered_host_key: SeenHostKey | None = None
    """One that the server shows and that is not trusted, for a person to compare."""
    server_version: str | None = None
    authenticated_fingerprints: tuple[str, ...] = ()
    retired_keys: tuple[RetiredKey, ...] = ()
    last_probe_at: str | None = None
    last_success_at: str | None = None
    handled_probe_request: str | None = None
    notes: tuple[str, ...] = ()
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Members that do not fit; never set in a computed status, so that they make the read one differ."""


def parse_target_status(raw: object) -> TargetStatus:
    """Read a status as it lies in the object, whatever lies there; a missing one gives the empty status."""
    members: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    status = TargetStatus(
        observed_generation=of_type(members.get("observedGeneration"), int, 0),
        conditions=tuple(parse_condition(c) for c in items(members.get("conditions"), Mapping)),
        host_key=_host_key(members.get("hostKey")),
        offered_host_key=_host_key(members.get("offeredHostKey")),
        server_version=of_type(members.get("serverVersion"), str, None),
        authenticated_fingerprints=tuple(items(members.get("authenticatedFingerprints"), str)),
        retired_keys=tuple(key for c in items(members.get("retiredKeys"), Mapping) if (key := _retired(c))),
        last_probe_at=of_type(members.get("lastProbeAt"), str, None),
        last_success_at=of_type(members.get("lastSuccessAt"), str, None),
        handled_probe_request=of_type(members.get("handledProbeRequest"), str, None),
        notes=tuple(items(members.get("notes"), str)),
    )
    ours = target_merge_patch(status, over=TargetStatus())
    read = {"hostKey": status.host_key, "offeredHostKey": status.offered_host_key}
    known = {name for name, key in read.items() if key}  # of these, a patch writes only their members
    unfit = (n for n, value in members.items() if n not in known and canonical(value) != canonical(ours.get(n)))
    return replace(status, extra=tuple(unfit))


def target_merge_patch(status: TargetStatus, *, over: TargetStatus) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `over` become `status`; null removes a member."""
    patch: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [condition_json(c) for c in status.conditions],
        "hostKey": _host_key_json(status.host_key),
        "offeredHostKey": _host_key_json(status.offered_host_key),
        "serverVersion": status.server_version,
        "authenticatedFingerprints": list(status.authenticated_fingerprints) or None,
        "retiredKeys": [{"fingerprint": f, "publicKey": k} for f, k in status.retired_keys] or None,
        "lastProbeAt": status.last_probe_at,
        "lastSuccessAt": status.last_success_at,
        "handledProbeRequest": status.handled_probe_request,
        "notes": list(status.notes) or None,
    }
    return dict.fromkeys(over.extra) | patch


def _host_key(raw: object) -> SeenHostKey | None:
    values = _texts(raw, ("type", "fingerprint", "publicKey", "since"))
    return SeenHostKey(*values) if values else None


def _host_key_json(key: SeenHostKey | None) -> dict[str, str] | None:
    if key is None:
        return None
    return {"type": key.type, "fingerprint": key.fingerprint, "publicKey": key.public_key, "since": key.since}


def _retired(raw: object) -> RetiredKey | None:
    values = _texts(raw, ("fingerprint", "publicKey"))
    return RetiredKey(*values) if values else None


def _texts(raw: object, names: tuple[str, ...]) -> list[str] | None:
    members: Mapping[str, object] = raw if isinstance(raw, Mapping) else {}
    values = [value for name in names if isinstance(value := members.get(name), str)]
    return values if len(values) == len(names) else None
