"""What a pass decides, as values: a reason with its facts, and what follows. Made by `decide`, done by the pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from sshcredential_operator.api.reasons import Reason

Facts = Mapping[str, str | int]


class Look(Enum):
    """Evidence that a decision needs before it stands."""

    SECRET = "secret"
    INPUT = "input"
    CREDENTIAL = "credential"


class Act(Enum):
    """The one change that a pass makes."""

    CREATE = "create"
    UPDATE_RECORD = "update record"
    ROTATE = "rotate"
    HONOUR_SERIAL = "honour serial"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    TAKE_SOURCE = "take source"
    WITHDRAW = "withdraw"
    END_PREVIOUS = "end previous"
    REWRAP = "rewrap"
    MARK_ORPHAN = "mark orphan"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Decision:
    """A reason with its facts, and what follows. `reason` is None where there is no status to write."""

    reason: Reason | None
    facts: Facts = field(default_factory=dict)
    look: Look | None = None
    act: Act | None = None
    due: datetime | None = None
    """When to look again, if nothing happens before."""
    holds_generation: bool = False
    """The spec's latest generation is not answered yet (suspended)."""


NOTHING: Final = Decision(None)
