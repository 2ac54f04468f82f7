"""Metrics of the process `targets`, without names of objects or servers. Served by `controller/health.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from sshcredential_operator.api.target_reasons import TARGET_COURSE, TargetNote, TargetReason
from sshcredential_operator.api.target_status import TargetStatus
from sshcredential_operator.controller.metrics import LONG, ProcessMetrics
from sshcredential_operator.controller.state_metrics import gauge
from sshcredential_operator.controller.targets.known import Known

_REASONS = frozenset(TargetReason)


class TargetMetrics(ProcessMetrics):
    """What the process counts as it happens."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._visits = self.counter("target_visits_total")
        self._visit_seconds = self.histogram("target_visit_duration_seconds", LONG)
        self.running = self.gauge("target_visits_running")
        self.policy = self.gauge("target_policy_in_force")
        self.policy.set(-1)  # until it was looked for
        self.registry.register(TargetCollector(known))

    def visited(self, visit: str, came: str, seconds: float) -> None:
        """Count one visit to a server."""
        self._visits.labels(visit, came).inc()
        self._visit_seconds.labels(visit).observe(seconds)


class TargetCollector(Collector):
    """What is looked up when somebody asks."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        statuses = [target.status for target in self._known.all_targets()]
        yield gauge("targets", Counter(map(readiness, statuses)))
        open_doors = sum(TargetNote.RETIRED_KEY_ACCEPTED.value in status.notes for status in statuses)
        yield gauge("retired_keys_accepted", open_doors)


def readiness(status: TargetStatus) -> tuple[str, str, str]:
    """Return status and reason of the Ready condition, and the reason's course, as labels: closed sets."""
    ready = status.ready
    if ready is None:
        return "Unknown", TargetReason.PENDING.value, TARGET_COURSE[TargetReason.PENDING].value
    word = ready.status if ready.status in {"True", "False"} else "Unknown"
    if ready.reason not in _REASONS:
        return word, "Other", "other"
    return word, ready.reason, TARGET_COURSE[TargetReason(ready.reason)].value
