"""Metrics for Prometheus, without object names: counts and times only. Served by `health.py`.

What is counted as it happens is here; what is looked up when somebody asks is in `state_metrics.py`.
"""

from __future__ import annotations

import time
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from sshcredential_operator import __version__
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX
from sshcredential_operator.controller.request_metrics import verb_and_resource
from sshcredential_operator.controller.state_metrics import QueueCollector, StateCollector, WatchCollector
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue

_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600)
_SUCCESS: Final = range(200, 300)

disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped; when each series began is of no use here, and doubles their number


class ProcessMetrics:
    """The metrics that every process of ours has, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._passes, self._seconds = self.counter("reconciles_total"), self.histogram("reconcile_duration_seconds")
        self._waited = self.histogram("queue_wait_seconds", LONG)
        self._requests = self.counter("api_requests_total")
        self._answers = self.histogram("api_request_duration_seconds")
        self._last_answer = self.gauge("api_last_answer_timestamp_seconds")
        self._last_write = self.gauge("api_last_write_timestamp_seconds")
        self.watch_failures = self.counter("watch_failures_total")
        self.ready = self.gauge("ready")
        self.gauge("build_info").labels(__version__).set(1)
        self._heard, self._queues = WatchCollector(), QueueCollector()
        self.registry.register(self._heard)
        self.registry.register(self._queues)

    def take_queue(self, kind: str, queue: WorkQueue[Any]) -> None:
        """Show a queue."""
        queue.on_begin = self._waited.labels(kind).observe
        self._queues.take(kind, queue)

    def passed(self, kind: str, result: str, seconds: float) -> None:
        """Count one pass."""
        self._passes.labels(kind, result).inc()
        self._seconds.labels(kind).observe(seconds)

    def heard(self, kind: Kind, scope: Scope) -> None:
        """Note that a list or watch brought something, be it a bookmark."""
        self._heard.last[kind, scope] = time.time()

    def requested(self, method: str, path: str, code: int | None, seconds: float) -> None:
        """Count one request, whoever made it; None is the code where nobody answered."""
        verb, resource = verb_and_resource(method, path)
        self._requests.labels(verb, resource, "error" if code is None else str(code)).inc()
        if code is None:
            return
        self._answers.labels(verb).observe(seconds)
        self._last_answer.set(now := time.time())
        if method != "GET" and resource != "leases" and code in _SUCCESS:
            self._last_write.set(now)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)

    def gauge(self, name: str) -> Gauge:
        """Make a gauge of the catalogue."""
        return Gauge(f"{PREFIX}_{name}", CATALOGUE[name].help, CATALOGUE[name].labels, registry=self.registry)

    def counter(self, name: str) -> Counter:
        """Make a counter of the catalogue."""
        return Counter(f"{PREFIX}_{name}", CATALOGUE[name].help, CATALOGUE[name].labels, registry=self.registry)

    def histogram(self, name: str, buckets: tuple[float, ...] = _QUICK) -> Histogram:
        """Make a histogram of the catalogue; the buckets are in seconds."""
        meaning = CATALOGUE[name]
        return Histogram(f"{PREFIX}_{name}", meaning.help, meaning.labels, registry=self.registry, buckets=buckets)


class Metrics(ProcessMetrics):
    """All metrics of one operator."""

    def __init__(self, store: Store, queue: WorkQueue[CredentialKey], policies: Policies | None = None) -> None:
        super().__init__()
        self._key_work = self.histogram("key_work_duration_seconds")
        self.import_policy = self.gauge("import_policy_present")
        self.export_policy = self.gauge("export_policy_present")
        for policy in (self.import_policy, self.export_policy):
            policy.set(-1)  # until it was looked for
        self.leader, self.elections_won = self.gauge("leader"), self.counter("elections_won_total")
        self.registry.register(StateCollector(store, policies or Policies()))
        self.take_queue("credential", queue)

    def worked_on_key(self, work: str, seconds: float) -> None:
        """Count one key that was generated or judged."""
        self._key_work.labels(work).observe(seconds)
