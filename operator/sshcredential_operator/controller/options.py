"""What the operator was told to be, as values. Made by `cli/operator.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.controller.root_sources import IN_SECRET, NamedSource

DEFAULT_PERIOD: Final = timedelta(hours=720)
DEFAULT_REWRAP_RATE: Final = 50.0
SHORTEST_PERIOD: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Options:
    """What `sshcredential-operator run` was told. No workspaces means all namespaces."""

    operator_namespace: Namespace
    workspaces: tuple[Namespace, ...]
    host: str
    port: int
    policies: Policies
    leader_election: bool
    guard_exports: bool = True
    """Whether copies are made only under the admission policy."""
    sealing_key_period: timedelta = DEFAULT_PERIOD
    """How long values are sealed to one key before there is the next."""
    strict_seals_only: bool = False
    """Whether sealed values have to be for one credential by name."""
    root_sources: tuple[NamedSource, ...] = IN_SECRET
    """Where the root key is: the first is for writing, the others open what was wrapped before."""
    rewrap_rate: float = DEFAULT_REWRAP_RATE
    """How many Secrets are put under a new workspace key in a second, at most."""
