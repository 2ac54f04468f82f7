"""What a pass over an export decides, as values. Made by `decide`, done by the pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from sshcredential_operator.api.reasons import Reason


class Look(Enum):
    """Evidence that a decision needs before it stands."""

    EXPORT = "export"
    CREDENTIAL = "credential"
    COPY = "copy"
    HOST_KEYS = "host keys"
    POLICY = "policy"


class Act(Enum):
    """The one change that a pass makes."""

    WRITE = "write copy"
    REMOVE = "remove copy"


class Why(Enum):
    """Why a copy is removed, in the words of its event."""

    DELETED = "its export was deleted"
    EXPIRED = "its time is over"
    CREDENTIAL_GONE = "its credential was deleted"
    MOVED = "its export asks for another Secret or another credential"
    REMADE = "it is made anew, since it cannot be changed in place"


@dataclass(frozen=True, slots=True)
class Decision:
    """A reason with its facts, and what follows. `reason` is None where there is no status to write."""

    reason: Reason | None
    facts: Mapping[str, str | int] = field(default_factory=dict)
    look: Look | None = None
    act: Act | None = None
    secret_name: str = ""
    """The Secret to look at or to remove."""
    why: Why | None = None
    due: datetime | None = None
    """When to look again, if nothing happens before."""


NOTHING: Final = Decision(None)
