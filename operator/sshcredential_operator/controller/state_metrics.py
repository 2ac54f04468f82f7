"""Gauges that are looked up when somebody asks. Registered by `metrics.py`, `exporting.py` and `operator.py`."""

from __future__ import annotations

import math
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sshcredential_operator.api.conditions import HasConditions
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.api.reasons import COURSE, Reason
from sshcredential_operator.api.staged import HELD
from sshcredential_operator.api.status import ROTATION_STAGED
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.controller.export_store import ExportStore, is_plain_copy
from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_store import RingHistory
from sshcredential_operator.controller.ring_upkeep import RingUpkeep
from sshcredential_operator.controller.sealing import OwnSealing
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.root_check import RootProblem

_REASONS: Final = {reason.value: reason for reason in Reason}

LATE: Final = timedelta(minutes=5)
"""A schedule that is behind by more than this is overdue."""


def gauge(name: str, samples: float | Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    """Return a gauge of the catalogue: one value, or values by their labels."""
    meaning = CATALOGUE[name]
    family = GaugeMetricFamily(f"{PREFIX}_{name}", meaning.help, labels=meaning.labels)
    for labels, value in sorted(samples.items()) if isinstance(samples, Mapping) else (((), samples),):
        family.add_metric(labels, value)
    return family


def by_readiness(statuses: Iterable[HasConditions]) -> Mapping[tuple[str, ...], float]:
    """Return how many there are, by status and reason of the Ready condition, and the reason's course, as labels."""
    pending = ("Unknown", Reason.PENDING.value)
    said = Tally((ready.status, ready.reason) if (ready := status.ready) else pending for status in statuses)
    counts = Tally[tuple[str, ...]]()
    for (word, reason), count in said.items():
        counts[*_labels(word, reason)] += count
    return counts


def _labels(word: str, reason: str) -> tuple[str, str, str]:
    # Whoever may write a status must not be able to make series without end.
    known = _REASONS.get(reason)
    word = word if word in {"True", "False"} else "Unknown"
    return (word, reason, COURSE[known].value) if known else (word, "Other", "other")


class StateCollector(Collector):
    """Credentials, their Secrets and their watches."""

    def __init__(self, store: Store, policies: Policies) -> None:
        self._store, self._policies = store, policies

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        yield gauge("credentials", by_readiness(one.status for one in self._store.credentials()))
        yield gauge("orphaned_secrets", self._store.orphans())
        yield gauge("blocked_watches", len(list(self._store.blocked_scopes())))
        now, due = datetime.now(UTC), list(self._due())
        yield gauge("rotation_due_timestamp_seconds", min((one.timestamp() for one in due), default=math.nan))
        late = sum(when + LATE < now for when in self._scheduled())
        yield gauge("rotations_overdue", {("policy",): sum(when < now for when in due), ("schedule",): late})
        held = [one.timestamp() for one in self._held()]
        yield gauge("promotions_held", len(held))
        yield gauge("promotion_held_since_timestamp_seconds", min(held, default=math.nan))

    def _due(self) -> Iterator[datetime]:
        for credential in self._store.credentials():
            longest = self._policies.of(credential.key.namespace).longest_age
            facts = credential.status.facts
            made = parse_timestamp(facts.created_at) if facts and longest else None
            if made and longest:
                yield made + longest

    def _scheduled(self) -> Iterator[datetime]:
        for credential in self._store.credentials():
            text = credential.status.rotates_at
            if when := parse_timestamp(text) if text else None:
                yield when

    def _held(self) -> Iterator[datetime]:
        for credential in self._store.credentials():
            staged, said = credential.status.next, credential.status.condition(ROTATION_STAGED)
            when = parse_timestamp(staged.moment) if staged else None
            if when and said and said.reason in HELD:
                yield when


class ExportCollector(Collector):
    """Exports, and the plain copies that they hold."""

    def __init__(self, store: ExportStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        yield gauge("exports", by_readiness(one.status for one in self._store.exports()))
        yield gauge("plain_copies", sum(map(is_plain_copy, self._store.exports())))


class QueueCollector(Collector):
    """The queues of credentials and of exports."""

    def __init__(self) -> None:
        self._queues: dict[str, WorkQueue[Any]] = {}

    def take(self, kind: str, queue: WorkQueue[Any]) -> None:
        """Show this queue."""
        self._queues[kind] = queue

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        queues = self._queues.items()
        yield gauge("queue_depth", {(kind,): len(queue) for kind, queue in queues})
        yield gauge("queue_age_seconds", {(kind,): queue.age for kind, queue in queues})
        yield gauge("running_passes", {(kind,): queue.running for kind, queue in queues})


class WatchCollector(Collector):
    """When each watch last brought anything, by the wall clock."""

    def __init__(self) -> None:
        self.last: dict[tuple[Kind, Scope], float] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge: of each resource the watch that has been silent longest."""
        oldest: dict[tuple[str, ...], float] = {}
        for (kind, _), when in self.last.items():
            oldest[kind.value,] = min(when, oldest.get((kind.value,), math.inf))
        yield gauge("watch_last_event_timestamp_seconds", oldest)


class KeyringCollector(Collector):
    """The key ring, and what a person has noted of its backup. Nothing is known of a ring that is not open."""

    def __init__(self, ring: Keyring, history: RingHistory) -> None:
        self._ring, self._history = ring, history

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        ring, history = self._ring, self._history
        yield gauge("key_ring_open", ring.is_open)
        yield gauge("root_key_problem", {(one.value,): one is ring.problem for one in RootProblem})
        if not ring.is_open:
            return
        yield gauge("workspace_keys", ring.size)
        yield gauge("workspace_keys_unopened", len(ring.unopened))
        yield gauge("key_ring_changed_timestamp_seconds", _seconds(history.changed_at))
        yield gauge("root_key_backup_timestamp_seconds", _seconds(history.backed_up_at))


class RotationCollector(Collector):
    """How far the rotations of keys are."""

    def __init__(self, upkeep: RingUpkeep, rewrapping: Rewrapping) -> None:
        self._upkeep, self._rewrapping = upkeep, rewrapping

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, and the counter."""
        yield gauge("root_key_rewraps_left", len(self._upkeep.state.left))
        yield gauge("workspace_key_rewraps_pending", self._rewrapping.pending().total())
        name = "workspace_key_rewraps_total"
        yield CounterMetricFamily(f"{PREFIX}_{name}", CATALOGUE[name].help, value=self._rewrapping.done)


class SealingCollector(Collector):
    """The sealing keys, and the credentials whose values were sealed to an old one."""

    def __init__(self, sealing: OwnSealing, store: Store) -> None:
        self._sealing, self._store = sealing, store

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges. Of the keys nothing is known before somebody has looked: a standby does not look."""
        state = self._sealing.state
        yield gauge("sealing_keys_published", -1 if state.published is None else state.published)
        yield gauge("sealing_key_period_seconds", self._sealing.period.total_seconds())
        notes = (credential.status.notes for credential in self._store.credentials())
        yield gauge("reseal_recommended", sum(Note.RESEAL_RECOMMENDED.value in noted for noted in notes))
        if state.published is None:
            return
        retired = sum(key.retired for key in state.keys.keys)
        counts = {"open": len(state.keys.keys) - retired, "retired": retired, "unopened": len(state.unopened)}
        yield gauge("sealing_keys", {(name,): count for name, count in counts.items()})
        newest = state.keys.newest
        yield gauge("sealing_key_created_timestamp_seconds", newest.created_at.timestamp() if newest else 0.0)


def _seconds(moment: datetime | None) -> float:
    # A moment that is still to come is a slip of the pen, and no backup.
    return moment.timestamp() if moment and moment.timestamp() <= time.time() + LATE.total_seconds() else 0.0
