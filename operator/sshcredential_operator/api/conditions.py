"""Conditions, in kstatus' meaning, and what else the statuses of all kinds have in common. Used by their modules.

A condition keeps its transition time as long as its status stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.shared import shared
from sshcredential_operator.api.timestamps import parse_timestamp

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"


class Condition(NamedTuple):
    """One metav1.Condition."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_time: str


@dataclass(frozen=True, slots=True)
class HasConditions:
    """What every status has."""

    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type."""
        for one in self.conditions:
            if one.type == kind:
                return one
        return None

    @property
    def ready(self) -> Condition | None:
        """The Ready condition."""
        return self.condition(READY)

    @property
    def reason(self) -> Reason | None:
        """The reason of the Ready condition, if it is one of ours."""
        ready = self.ready
        try:
            return Reason(ready.reason) if ready else None
        except ValueError:
            return None


def canonical(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the one text of a JSON value, to compare by."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def items(value: object, kind: type) -> Iterator[Any]:
    """Yield the members of a list that are of a kind; what is no list has none."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, kind))


def of_type(value: Any, kind: type, default: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Return a value that is exactly of a type, or the default."""
    return value if type(value) is kind else default


def parse_condition(raw: Mapping[str, Any]) -> Condition:
    """Read a condition, whatever lies there."""
    return Condition(
        type=shared(str(raw.get("type", ""))),
        status=shared(str(raw.get("status", ""))),
        reason=shared(str(raw.get("reason", ""))),
        message=str(raw.get("message", "")),
        observed_generation=of_type(raw.get("observedGeneration"), int, 0),
        last_transition_time=shared(str(raw.get("lastTransitionTime", ""))),
    )


def condition_json(condition: Condition) -> dict[str, Any]:
    """Return a condition as the API has it."""
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": condition.last_transition_time,
    }


def conditions_for(
    reason: Reason, message: str, generation: int, before: HasConditions, now: str
) -> tuple[Condition, ...]:
    """Return the conditions of a reason, in kstatus' meaning: Ready always, Reconciling or Stalled when not normal.

    What is suspended keeps its last word: the status of Ready, and Stalled. `now` is RFC 3339 in UTC; a condition keeps
    its transition time as long as its status stays.
    """
    course = COURSE[reason]
    suspended = reason is Reason.SUSPENDED
    last_word = before.ready.status if before.ready else "Unknown"
    wanted = [(READY, last_word if suspended else "True" if course is Course.READY else "False")]
    if course in {Course.WORK, Course.WAIT, Course.RETRY}:
        wanted.append((RECONCILING, "True"))
    if course is Course.STOP:
        wanted.append((STALLED, "True"))
    held = tuple(
        Condition(kind, status, reason.value, message, generation, transition_time(kind, status, before, now))
        for kind, status in wanted
    )
    stalled = before.condition(STALLED) if suspended else None
    return (*held, stalled) if stalled else held


def transition_time(kind: str, status: str, before: HasConditions, now: str) -> str:
    """Return since when a condition of this type has this status: as before, as long as that can be read."""
    old = before.condition(kind)
    stays = old and old.status == status and parse_timestamp(old.last_transition_time)
    return old.last_transition_time if old and stays else now
