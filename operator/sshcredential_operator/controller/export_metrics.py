"""Metrics of exports, counted when somebody asks. Registered by `operator.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sshcredential_operator.controller.export_store import ExportStore, is_plain_copy
from sshcredential_operator.controller.metrics import PREFIX, readiness


class ExportCollector(Collector):
    """Gauges of exports and of the plain copies that they hold."""

    def __init__(self, store: ExportStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        yield GaugeMetricFamily(
            f"{PREFIX}_plain_copies",
            "Secrets that hold a private key that was exported in plain.",
            sum(map(is_plain_copy, self._store.exports())),
        )
        family = GaugeMetricFamily(
            f"{PREFIX}_exports",
            "Exports by the status and reason of their Ready condition.",
            labels=("ready", "reason"),
        )
        for labels, count in sorted(Counter(readiness(export.status) for export in self._store.exports()).items()):
            family.add_metric(labels, count)
        yield family
