"""The status of an SSHCredential as a frozen value: read from the object, computed anew, compared, written.

What a user or another program wrote into it is kept only where it fits; anything else makes it differ, and be
overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.conditions import (
    READY,
    RECONCILING,
    STALLED,
    Condition,
    HasConditions,
    canonical,
    condition_json,
    conditions_for,
    items,
    of_type,
    parse_condition,
    transition_time,
)
from sshcredential_operator.api.shared import shared

__all__ = [
    "MOST_USERS",
    "READY",
    "RECONCILING",
    "ROTATION_STAGED",
    "STALLED",
    "Condition",
    "KeyFacts",
    "OtherKey",
    "Status",
    "User",
    "conditions_for",
    "merge_patch",
    "parse_status",
    "transition_time",
]

ROTATION_STAGED: Final = "RotationStaged"
MOST_USERS: Final = 128
"""As many of `usedBy` as the CRD takes."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the status tells of the stored key; every member comes from the Secret's record."""

    credential_id: str
    key_number: int
    rotation_serial: int
    algorithm: str
    bits: int
    fingerprint: str
    public_key: str
    passphrase_protected: bool
    created_at: str
    key_id: str


class OtherKey(NamedTuple):
    """A stored key beside the current one; at `moment` a next key is promoted, a previous one ends."""

    fingerprint: str
    public_key: str
    moment: str


class User(NamedTuple):
    """An object in the same namespace that uses the credential."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Status(HasConditions):
    """The whole status. `facts` is None as long as there was never a key."""

    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    name: str | None = None
    facts: KeyFacts | None = None
    secret_name: str | None = None
    notes: tuple[str, ...] = ()
    exposure: str | None = None
    rotates_at: str | None = None
    next: OtherKey | None = None
    previous: OtherKey | None = None
    used_by: tuple[User, ...] = ()
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Members that do not fit; never set in a computed status, so that they make the read one differ."""


_FACTS: Final[dict[str, tuple[str, type]]] = {
    "credentialId": ("credential_id", str),
    "keyNumber": ("key_number", int),
    "rotationSerial": ("rotation_serial", int),
    "algorithm": ("algorithm", str),
    "bits": ("bits", int),
    "fingerprint": ("fingerprint", str),
    "publicKey": ("public_key", str),
    "passphraseProtected": ("passphrase_protected", bool),
    "createdAt": ("created_at", str),
}


def parse_status(raw: object) -> Status:
    """Read a status as it lies in the object, whatever lies there; a missing one gives the empty Status."""
    members: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    status = Status(
        observed_generation=of_type(members.get("observedGeneration"), int, 0),
        conditions=tuple(parse_condition(c) for c in items(members.get("conditions"), Mapping)),
        name=of_type(members.get("name"), str, None),
        facts=_parse_facts(members),
        secret_name=of_type(members.get("secretName"), str, None),
        notes=tuple(items(members.get("notes"), str)),
        exposure=of_type(members.get("exposure"), str, None),
        rotates_at=of_type(members.get("rotatesAt"), str, None),
        next=_parse_other(members.get("next"), "promotesAt"),
        previous=_parse_other(members.get("previous"), "until"),
        used_by=tuple(_parse_user(u) for u in items(members.get("usedBy"), Mapping)),
    )
    return replace(status, extra=_unfit(members, status))


def _unfit(raw: Mapping[str, Any], status: Status) -> tuple[str, ...]:
    # What would be written for this status, and lies there otherwise. Of `encryption`, a patch writes only its member.
    ours = merge_patch(status, over=Status())
    known = {"encryption"} if status.facts else set()
    theirs = {member: value for member, value in raw.items() if member not in known}
    if canonical(theirs) == canonical({member: ours.get(member) for member in theirs}):  # nearly always, and cheaper
        return ()
    return tuple(member for member, value in theirs.items() if canonical(value) != canonical(ours.get(member)))


def _parse_facts(raw: Mapping[str, Any]) -> KeyFacts | None:
    values: dict[str, Any] = {name: raw.get(member) for member, (name, _) in _FACTS.items()}
    if any(type(values[name]) is not kind for name, kind in _FACTS.values()):
        return None
    encryption = raw.get("encryption")
    key_id = encryption.get("keyId") if isinstance(encryption, Mapping) else None
    if not isinstance(key_id, str):
        return None
    values |= {name: shared(values[name]) for name in ("algorithm", "created_at")}
    return KeyFacts(**values, key_id=shared(key_id))


def _parse_other(raw: object, moment: str) -> OtherKey | None:
    if not isinstance(raw, Mapping):
        return None
    values = [raw.get(member) for member in ("fingerprint", "publicKey", moment)]
    return OtherKey(*(str(value) for value in values)) if all(isinstance(value, str) for value in values) else None


def _parse_user(raw: Mapping[str, Any]) -> User:
    return User(str(raw.get("kind", "")), str(raw.get("name", "")))


def merge_patch(status: Status, *, over: Status) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `over` become `status`; null removes a member."""
    patch: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [condition_json(c) for c in status.conditions],
        "name": status.name,
        "secretName": status.secret_name,
        "notes": list(status.notes) or None,
        "exposure": status.exposure,
        "rotatesAt": status.rotates_at,
        "next": _other_json(status.next, "promotesAt"),
        "previous": _other_json(status.previous, "until"),
        "usedBy": [user._asdict() for user in status.used_by] or None,
        **_facts_json(status.facts),
    }
    return dict.fromkeys(over.extra) | patch


def _other_json(key: OtherKey | None, moment: str) -> dict[str, str] | None:
    return key and {"fingerprint": key.fingerprint, "publicKey": key.public_key, moment: key.moment}


def _facts_json(facts: KeyFacts | None) -> dict[str, Any]:
    if facts is None:
        return dict.fromkeys((*_FACTS, "encryption"))
    return {member: getattr(facts, name) for member, (name, _) in _FACTS.items()} | {
        "encryption": {"keyId": facts.key_id}
    }
