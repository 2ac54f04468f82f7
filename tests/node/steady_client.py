"""A client that creates credentials at a steady rate, and sees when each is Ready.

Used by `test_rolling` and by tests/bench.
"""

from __future__ import annotations

import itertools
import threading
import time
from types import TracebackType
from typing import Any, Final, Self

from kubernetes import client, config, watch

from cluster.desk import desk_in
from cluster.shown import condition_of, generated
from controlplane.clusters import Cluster
from controlplane.waiting import TimedOut, wait_until
from sshcredential_operator.api.names import GROUP, PLURAL, VERSION

WATCH_SECONDS: Final = 2
PATIENCE: Final = 90


class SteadyClient:
    """Creates from the beginning to the end of a `with` block; at its end it waits until all are Ready."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, per_second: float) -> None:
        self.names: list[str] = []
        """Of the credentials that it made."""
        self.waits: dict[str, float] = {}
        """Seconds from the moment before each was created until it was seen to be Ready."""
        self._cluster, self._namespace, self._name, self._pause = cluster, namespace, name, 1 / per_second
        self._begun: dict[str, float] = {}
        self._failed: list[BaseException] = []
        self._watching, self._enough, self._over = threading.Event(), threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._carry_out, args=(part,)) for part in (self._create, self._watch)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        self._threads[0].join()
        try:
            if kind is None:
                self._wait_for_all()
        finally:
            self._over.set()
            self._threads[1].join()
        assert not self._failed, self._failed

    def _wait_for_all(self) -> None:
        """Return when every credential was seen to be Ready; name those that were not, and say how they are."""
        try:
            wait_until(self._is_done, f"all of {len(self.names)} credentials are Ready", PATIENCE)
        except TimedOut as late:
            with desk_in(self._cluster, self._namespace) as desk:
                unseen = {name: condition_of(desk.get(name)) for name in self.names if name not in self.waits}
            raise TimedOut(f"{late}; not seen to be: {unseen}") from None

    def _is_done(self) -> bool:
        return bool(self._failed) or len(self.waits) == len(self.names)

    def _carry_out(self, part: Any) -> None:
        try:
            part()
        except Exception as failed:  # noqa: BLE001 - a thread's error has to reach the test
            self._failed.append(failed)

    def _create(self) -> None:
        """At the times of a clock, so that slow answers do not lower the rate; none before all of them are seen."""
        with desk_in(self._cluster, self._namespace) as desk:
            self._watching.wait(PATIENCE)
            due = time.monotonic()
            for number in itertools.count():
                if self._enough.wait(max(0.0, due - time.monotonic())):
                    return
                due += self._pause
                name = f"{self._name}-{number}"
                self._begun[name] = time.monotonic()
                self.names.append(name)
                desk.create(name, generated())

    def _watch(self) -> None:
        with config.new_client_from_config(str(self._cluster.kubeconfig_for("admin"))) as connection:
            objects: Any = client.CustomObjectsApi(connection)
            where = (GROUP, VERSION, self._namespace, PLURAL)
            since = objects.list_namespaced_custom_object(*where, limit=1)["metadata"]["resourceVersion"]
            self._watching.set()
            while not self._over.is_set():
                following = watch.Watch().stream(
                    objects.list_namespaced_custom_object, *where, resource_version=since, timeout_seconds=WATCH_SECONDS
                )
                for event in following:
                    since = event["object"]["metadata"]["resourceVersion"]
                    self._see(event["object"])

    def _see(self, found: dict[str, Any]) -> None:
        name = found["metadata"]["name"]
        if name in self._begun and name not in self.waits and condition_of(found).get("status") == "True":
            self.waits[name] = time.monotonic() - self._begun[name]
