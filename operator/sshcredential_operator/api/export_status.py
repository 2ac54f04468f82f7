"""The status of an SSHCredentialExport as a frozen value: read from the object, computed anew, compared, written.

As in `api/status.py`: whatever somebody else wrote into it and does not fit makes it differ, and be overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sshcredential_operator.api.conditions import (
    Condition,
    HasConditions,
    canonical,
    condition_json,
    items,
    of_type,
    parse_condition,
)


class Admission(NamedTuple):
    """What is known of the right to one generation of an export, and under which policy it was looked at.

    `policy` names policy and binding by uid and generation. Without a verdict of its own a generation is judged by the
    last one: see `exports/guard.py`.
    """

    generation: int
    policy: str
    admitted: bool


@dataclass(frozen=True, slots=True)
class ExportStatus(HasConditions):
    """The whole status. `secret_name` is that of the copy that exists; None while there is none."""

    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    key_number: int | None = None
    fingerprint: str | None = None
    secret_name: str | None = None
    expires_at: str | None = None
    notes: tuple[str, ...] = ()
    admission: Admission | None = None
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Members that do not fit; never set in a computed status, so that they make the read one differ."""


def parse_export_status(raw: object) -> ExportStatus:
    """Read a status as it lies in the object, whatever lies there; a missing one gives the empty status."""
    members: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    status = ExportStatus(
        observed_generation=of_type(members.get("observedGeneration"), int, 0),
        conditions=tuple(parse_condition(c) for c in items(members.get("conditions"), Mapping)),
        key_number=of_type(members.get("keyNumber"), int, None),
        fingerprint=of_type(members.get("fingerprint"), str, None),
        secret_name=of_type(members.get("secretName"), str, None),
        expires_at=of_type(members.get("expiresAt"), str, None),
        notes=tuple(items(members.get("notes"), str)),
        admission=_parse_admission(members.get("admission")),
    )
    ours = export_merge_patch(status, over=ExportStatus())
    known = {"admission"} if status.admission else set()  # of this one, a patch writes only its members
    unfit = (n for n, value in members.items() if n not in known and canonical(value) != canonical(ours.get(n)))
    return replace(status, extra=tuple(unfit))


def export_merge_patch(status: ExportStatus, *, over: ExportStatus) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `over` become `status`; null removes a member."""
    patch: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [condition_json(c) for c in status.conditions],
        "keyNumber": status.key_number,
        "fingerprint": status.fingerprint,
        "secretName": status.secret_name,
        "expiresAt": status.expires_at,
        "notes": list(status.notes) or None,
        "admission": status.admission and status.admission._asdict(),
    }
    return dict.fromkeys(over.extra) | patch


def _parse_admission(raw: object) -> Admission | None:
    if not isinstance(raw, Mapping):
        return None
    generation, policy, admitted = (raw.get(name) for name in Admission._fields)
    if type(generation) is not int or not isinstance(policy, str) or not isinstance(admitted, bool):
        return None
    return Admission(generation, policy, admitted)
