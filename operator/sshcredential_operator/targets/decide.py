"""What is to be done for one target: pure. The same observation always gives the same decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sshcredential_operator.targets.due import due_at, is_requested
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.waits import WAITS


@dataclass(frozen=True, slots=True)
class Wait:
    """Something lacks before anything can be tried; the status says so."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe is due."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be done before that moment."""

    until: datetime


def decide(observed: Observed) -> Wait | Probe | Rest:
    """Return what is to be done; total."""
    if finding := next((found for wait in WAITS if (found := wait(observed))), None):
        return Wait(finding)
    moment = due_at(observed)
    return Probe() if moment <= observed.now else Rest(moment)


def is_news(finding: Finding, observed: Observed) -> bool:
    """Whether the status does not say so already."""
    status, target = observed.target.status, observed.target
    told = (status.ready.reason if status.ready else None, status.observed_generation, is_requested(target))
    return told != (finding.reason.value, target.generation, False)
