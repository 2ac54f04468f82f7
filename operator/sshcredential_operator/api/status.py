"""The status of an SSHCredential as a frozen value: read from the object, computed anew, compared, written.

What a user or another program wrote into it is kept only where it fits; anything else makes it differ, and be
overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import orjson

from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.timestamps import parse_timestamp

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
ROTATION_STAGED: Final = "RotationStaged"


class Condition(NamedTuple):
    """One metav1.Condition."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_time: str


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


@dataclass(frozen=True, slots=True)
class Status:
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
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Members that do not fit; never set in a computed status, so that they make the read one differ."""

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type."""
        return next((c for c in self.conditions if c.type == kind), None)

    @property
    def ready(self) -> Condition | None:
        """The Ready condition."""
        return self.condition(READY)

    @property
    def reason(self) -> Reason | None:
        """The reason of the Ready condition, if it is one of ours."""
        ready = self.ready
        return Reason(ready.reason) if ready and ready.reason in Reason.__members__.values() else None


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
USED_BY: Final = "usedBy"
"""Written by others; left as it is."""


def parse_status(raw: object) -> Status:
    """Read a status as it lies in the object, whatever lies there; a missing one gives the empty Status."""
    members: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    status = Status(
        observed_generation=_of_type(members.get("observedGeneration"), int, 0),
        conditions=tuple(_parse_condition(c) for c in _items(members.get("conditions"), Mapping)),
        name=_of_type(members.get("name"), str, None),
        facts=_parse_facts(members),
        secret_name=_of_type(members.get("secretName"), str, None),
        notes=tuple(_items(members.get("notes"), str)),
        exposure=_of_type(members.get("exposure"), str, None),
        rotates_at=_of_type(members.get("rotatesAt"), str, None),
        next=_parse_other(members.get("next"), "promotesAt"),
        previous=_parse_other(members.get("previous"), "until"),
    )
    return replace(status, extra=_unfit(members, status))


def _unfit(raw: Mapping[str, Any], status: Status) -> tuple[str, ...]:
    # What would be written for this status, and lies there otherwise. Of `encryption`, a patch writes only its member.
    ours = merge_patch(status, over=Status())
    known = {USED_BY, "encryption"} if status.facts else {USED_BY}
    return tuple(m for m, value in raw.items() if m not in known and _canonical(value) != _canonical(ours.get(m)))


def _canonical(value: Any) -> bytes:  # noqa: ANN401 - JSON
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _items(value: object, kind: type) -> Iterator[Any]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, kind))


def _of_type(value: Any, kind: type, default: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    return value if type(value) is kind else default


def _parse_facts(raw: Mapping[str, Any]) -> KeyFacts | None:
    values: dict[str, Any] = {name: raw.get(member) for member, (name, _) in _FACTS.items()}
    if any(type(values[name]) is not kind for name, kind in _FACTS.values()):
        return None
    encryption = raw.get("encryption")
    key_id = encryption.get("keyId") if isinstance(encryption, Mapping) else None
    return KeyFacts(**values, key_id=key_id) if isinstance(key_id, str) else None


def _parse_other(raw: object, moment: str) -> OtherKey | None:
    if not isinstance(raw, Mapping):
        return None
    values = [raw.get(member) for member in ("fingerprint", "publicKey", moment)]
    return OtherKey(*(str(value) for value in values)) if all(isinstance(value, str) for value in values) else None


def _parse_condition(raw: Mapping[str, Any]) -> Condition:
    return Condition(
        type=str(raw.get("type", "")),
        status=str(raw.get("status", "")),
        reason=str(raw.get("reason", "")),
        message=str(raw.get("message", "")),
        observed_generation=_of_type(raw.get("observedGeneration"), int, 0),
        last_transition_time=str(raw.get("lastTransitionTime", "")),
    )


def merge_patch(status: Status, *, over: Status) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `over` become `status`; null removes a member."""
    patch: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [_condition_json(c) for c in status.conditions],
        "name": status.name,
        "secretName": status.secret_name,
        "notes": list(status.notes) or None,
        "exposure": status.exposure,
        "rotatesAt": status.rotates_at,
        "next": _other_json(status.next, "promotesAt"),
        "previous": _other_json(status.previous, "until"),
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


def _condition_json(condition: Condition) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": condition.last_transition_time,
    }


def conditions_for(
    reason: Reason, message: str, generation: int, before: Status, now: str, *, ready: str | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of a reason, in kstatus' meaning: Ready always, Reconciling or Stalled when not normal.

    `ready` overrides the status of Ready (a suspended credential keeps its last word). `now` is RFC 3339 in UTC; a
    condition keeps its transition time as long as its status stays.
    """
    course = COURSE[reason]
    wanted = [(READY, ready or ("True" if course is Course.READY else "False"))]
    if course in {Course.WORK, Course.WAIT, Course.RETRY}:
        wanted.append((RECONCILING, "True"))
    if course is Course.STOP:
        wanted.append((STALLED, "True"))
    return tuple(
        Condition(kind, status, reason.value, message, generation, transition_time(kind, status, before, now))
        for kind, status in wanted
    )


def transition_time(kind: str, status: str, before: Status, now: str) -> str:
    """Return since when a condition of this type has this status: as before, as long as that can be read."""
    old = before.condition(kind)
    stays = old and old.status == status and parse_timestamp(old.last_transition_time)
    return old.last_transition_time if old and stays else now
