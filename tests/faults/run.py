"""What is known of one plan when it is over. Made by the stage that ran it, judged by `oracles`, kept as a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cluster.etcd_history import Revision
from cluster.shown import Object
from sshcredential_operator.encryption.envelope import Kek


class Request(NamedTuple):
    """A request of an operator, as the proxy passed it on to the API server."""

    who: str
    """Which of the operators asked."""
    method: str
    path: str
    """With its query."""
    code: int = 0
    """What the API server answered; 0: nothing, or nobody knows."""
    body: bytes = b""
    at: float = 0.0
    """When it came, in seconds of one clock for all requests of a run."""


class Violation(NamedTuple):
    """One thing that must not be: the oracle (`I1` to `I18`, `end state`, `writes`, `quiet`), and what it saw."""

    oracle: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What users want of one credential in the end."""

    ready: bool = True
    """False: it stalls, with `reason`."""
    reason: str = "Available"
    serial: int = 0
    secret: bool = True
    """Whether its Secret is there in the end."""
    keys: int = 1
    """How many keys it may have had, the present one included."""


@dataclass(frozen=True, slots=True)
class Run:
    """One operation under one plan, from before the first request to after the last quiet second."""

    namespace: str
    """The workspace; no other plan uses it."""
    own: str
    """The namespace of this plan's operators."""
    revisions: Sequence[Revision]
    """Every write to Secrets and credentials of both namespaces, the oldest first."""
    by_users: frozenset[int]
    """The versions that users wrote. Deletions by users are in it, too. All others are an operator's."""
    wanted: Mapping[str, Wanted]
    """By metadata.name, for every credential that is wanted in the end."""
    kek_of: Callable[[str], Kek | None]
    logs: Sequence[Path] = ()
    """Logs of the operators, at DEBUG."""
    events: Sequence[Object] = ()
    """Events of both namespaces."""
    needles: Mapping[str, bytes] = field(default_factory=dict)
    """Secrets that users know beforehand (passphrases, private keys), by what they are called."""
    seconds_to_level: float | None = 0.0
    """From the last fault until all was as wanted; None: it never was."""
    writes_in_quiet: tuple[str, ...] = ()
    """Writes of operators, the Lease aside, after all was level."""
    ended_by_itself: bool = False
    """Whether an operator's process ended without being told."""
    requests: Sequence[Request] = ()
    """All requests of operators, in order; empty where nobody wrote them down."""
    rests: Sequence[int] = ()
    """Versions at which all was level and nothing was under way: what was so before them excuses nothing any more."""
    times: Mapping[int, datetime] = field(default_factory=dict)
    """When a version was written, where that is known better than from the objects themselves."""
    clocks_agree: bool = True
    """False: an operator's clock was set to another time, so that its times say nothing to anybody else's."""
    unhurried_until: float = 0.0
    """Until when, as `Request.at` counts, no operator's clock was set ahead: what seems a short wait was one."""
