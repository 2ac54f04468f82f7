"""What a pass over a target knows from the watches and from before, as one frozen value. Made by `observe`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.target import Target
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.memory import Memory


class Jump(NamedTuple):
    """A target to go through, and the credential whose current key opens it."""

    target: Target
    credential: Credential | None


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that `decide` looks at."""

    target: Target
    now: datetime
    served: bool
    credential: Credential | None
    jumps: tuple[Jump, ...] | Finding
    """The way, the first server first; or why there is none."""
    memory: Memory
