"""Metrics for Prometheus, without object names: counts and times only. Served by `health.py`."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sshcredential_operator import __version__
from sshcredential_operator.api.conditions import HasConditions
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue

PREFIX = "sshcredential_operator"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _StateCollector(Collector):
    """Gauges that are counted when somebody asks."""

    def __init__(self, store: Store, queue: WorkQueue[CredentialKey], policies: Policies) -> None:
        self._store, self._queue, self._policies = store, queue, policies

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        yield GaugeMetricFamily(f"{PREFIX}_queue_depth", "Credentials that wait for a pass.", len(self._queue))
        yield GaugeMetricFamily(
            f"{PREFIX}_queue_age_seconds", "How long the credential that waits longest has waited.", self._queue.age
        )
        yield GaugeMetricFamily(
            f"{PREFIX}_orphaned_secrets", "Secrets of ours whose credential is gone.", self._store.orphans()
        )
        yield GaugeMetricFamily(
            f"{PREFIX}_blocked_watches",
            "Lists or watches that the API server does not permit at the moment.",
            len(list(self._store.blocked_scopes())),
        )
        due = min(self._due(), default=math.nan)
        yield GaugeMetricFamily(
            f"{PREFIX}_rotation_due_timestamp_seconds",
            "When the first key becomes older than its workspace's policy wants; NaN where no policy says so.",
            due,
        )
        tally = Tally(readiness(credential.status) for credential in self._store.credentials())
        family = GaugeMetricFamily(
            f"{PREFIX}_credentials",
            "Credentials by the status and reason of their Ready condition.",
            labels=("ready", "reason"),
        )
        for labels, count in sorted(tally.items()):
            family.add_metric(labels, count)
        yield family

    def _due(self) -> Iterator[float]:
        for credential in self._store.credentials():
            longest = self._policies.of(credential.key.namespace).longest_age
            facts = credential.status.facts
            made = parse_timestamp(facts.created_at) if facts and longest else None
            if made and longest:
                yield (made + longest).timestamp()


def readiness(status: HasConditions) -> tuple[str, str]:
    """Return status and reason of the Ready condition, as labels."""
    ready = status.ready
    if ready is None:
        return "Unknown", Reason.PENDING.value
    # Whoever may write a status must not be able to make series without end.
    return ready.status if ready.status in {"True", "False"} else "Unknown", status.reason or "Other"


class Metrics:
    """All metrics of one operator, in a registry of their own."""

    def __init__(self, store: Store, queue: WorkQueue[CredentialKey], policies: Policies | None = None) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_StateCollector(store, queue, policies or Policies()))
        self._passes = Counter(
            f"{PREFIX}_reconciles_total", "Passes by what they came to.", ("result",), registry=self.registry
        )
        self._seconds = Histogram(
            f"{PREFIX}_reconcile_duration_seconds", "How long passes took.", registry=self.registry, buckets=_BUCKETS
        )
        self.watch_failures = Counter(
            f"{PREFIX}_watch_failures_total",
            "Lists and watches that ended in trouble.",
            ("kind",),
            registry=self.registry,
        )
        self.import_policy = Gauge(
            f"{PREFIX}_import_policy_present",
            "1 if the admission policy guards imports, 0 if it is missing, -1 if that cannot be told.",
            registry=self.registry,
        )
        self.leader = Gauge(
            f"{PREFIX}_leader", "1 while this replica does the work, 0 while it stands by.", registry=self.registry
        )
        Gauge(f"{PREFIX}_build_info", "The version.", ("version",), registry=self.registry).labels(__version__).set(1)

    def passed(self, result: str, seconds: float) -> None:
        """Count one pass."""
        self._passes.labels(result).inc()
        self._seconds.observe(seconds)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)
