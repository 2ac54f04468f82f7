"""The operator's pods as replicas: who leads, what becomes of the one that does, and what each asked of the API server.

Used by `test_availability`, `test_rolling` and the measurement in bench/failover_node.py. All pods are one user; the
audit log tells them apart by the pod that a token was made for.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from kubernetes import client, config, watch

from chart.rendering import NAMESPACE
from cluster.desk import Desk
from cluster.replicas import WRITES, began, ended
from cluster.shown import Object, condition_of, secret_of
from controlplane.audit import AuditEvent, parse
from controlplane.waiting import wait_until
from node.installation import LEASE, Installation

POD_OF_TOKEN: Final = "authentication.kubernetes.io/pod-name"
PATIENCE: Final = 90
"""Seconds. Far more than a change of the leader takes: what it does take is measured by `make bench-failover-node`."""
WATCH_SECONDS: Final = 2


def signal_first(installed: Installation, pod: str, number: signal.Signals) -> None:
    """Send a signal to the first process of a pod's container, from outside: what the container does is its end."""
    os.kill(installed.node.processes_of(NAMESPACE, pod)[0].pid, number)


@contextmanager
def frozen(installed: Installation, pod: str) -> Iterator[None]:
    """Let nothing of a pod's container run."""
    processes = installed.node.processes_of(NAMESPACE, pod)
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


def container_of(installed: Installation, pod: str) -> Object:
    """Return what the kubelet tells of a pod's one container: restarts, and how it ended the last time."""
    pods = {found["metadata"]["name"]: found for found in installed.pods()}
    statuses: list[Object] = pods[pod]["status"]["containerStatuses"]
    return statuses[0]


class Asked:
    """What the pods asked of the API server since this was made."""

    def __init__(self, installed: Installation, workspace: str) -> None:
        self._plane, self._workspace = installed.node.plane, workspace
        self._read_until = int(self._plane.audit_mark())
        self._events: list[AuditEvent] = []

    def events(self) -> list[AuditEvent]:
        """Return every request, oldest first."""
        with self._plane.audit_log.open("rb") as log:  # only what is new: this is asked again and again
            log.seek(self._read_until)
            complete = log.read().rpartition(b"\n")[0]
        if complete:
            self._read_until += len(complete) + 1
        lines = [line for line in complete.splitlines() if POD_OF_TOKEN.encode() in line]
        self._events += [event for event in map(parse, lines) if event.namespace in {NAMESPACE, self._workspace}]
        self._events.sort(key=began)
        return list(self._events)

    def written(self) -> list[AuditEvent]:
        """Return what succeeded in writing."""
        return [event for event in self.events() if event.verb in WRITES and event.code < 300]

    def stored(self) -> list[AuditEvent]:
        """Return every POST of a credential's Secret that succeeded."""
        of_workspace = [event for event in self.written() if event.namespace == self._workspace]
        return [event for event in of_workspace if (event.verb, event.resource) == ("create", "secrets")]

    def until_stored(self, count: int) -> None:
        """Return when so many keys were stored."""
        wait_until(lambda: len(self.stored()) >= count, f"{count} keys are stored", PATIENCE)

    def until_taken(self, pod: str) -> str:
        """Return when, by the API server's clock, a pod has first written the Lease."""

        def took() -> list[str]:
            return [ended(event) for event in self.written() if (pod_of(event), event.resource) == (pod, "leases")]

        return wait_until(took, f"{pod} took the Lease", PATIENCE)[0]

    def twice(self, names: Sequence[str]) -> list[str]:
        """Return whatever is not as it should be: one POST of each Secret, and no other write of one."""
        posts = Counter(event.name for event in self.stored())
        wrong = [f"{posts[secret_of(name)]} POSTs for {name}" for name in names if posts[secret_of(name)] != 1]
        others = [event for event in self.written() if event.resource == "secrets" and event.verb != "create"]
        return wrong + [f"{event.verb} {event.uri}" for event in others if event.namespace == self._workspace]


def pod_of(event: AuditEvent) -> str:
    """Return the pod that sent a request."""
    return str(event.raw["user"]["extra"][POD_OF_TOKEN][0])


def until_all_ready(desk: Desk, names: Sequence[str]) -> list[Object]:
    """Return these credentials when all of them are Ready, asked for all at once."""

    def ready() -> list[Object]:
        found = {one["metadata"]["name"]: one for one in desk.all()}
        chosen = [found[name] for name in names if name in found]
        return chosen if [condition_of(one).get("status") for one in chosen] == ["True"] * len(names) else []

    return wait_until(ready, f"{len(names)} credentials are Ready", PATIENCE)


class Holders:
    """Who held the Lease, one after the other, seen from the beginning to the end of a `with` block."""

    def __init__(self, installed: Installation) -> None:
        self.seen: list[str] = []
        """Pods; empty where nobody held it."""
        self._connection = config.new_client_from_config(str(installed.node.kubeconfig_for("admin")))
        self._leases: Any = client.CoordinationV1Api(self._connection)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch of the Lease")

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.seen, "the Lease is there")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _follow(self) -> None:
        found = self._leases.read_namespaced_lease(LEASE, NAMESPACE)
        since = found.metadata.resource_version
        self._take(found)
        chosen = {"field_selector": f"metadata.name={LEASE}", "timeout_seconds": WATCH_SECONDS}
        while not self._over.is_set():
            following = watch.Watch()
            for event in following.stream(
                self._leases.list_namespaced_lease, NAMESPACE, resource_version=since, **chosen
            ):
                since = event["object"].metadata.resource_version
                self._take(event["object"])

    def _take(self, lease: Any) -> None:
        pod = (lease.spec.holder_identity or "").partition("_")[0]
        if self.seen[-1:] != [pod]:
            self.seen.append(pod)
