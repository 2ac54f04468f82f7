"""Replicas of one operator that stand for election, each as a user of its own, so that the audit log tells them apart.

Used by `test_leader` and by the measurement in bench/failover.py.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from kubernetes import config
from kubernetes.client import CustomObjectsApi

from cluster.desk import Desk, desk_in
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import Object, condition_of
from controlplane.audit import AuditEvent, parse
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.names import GROUP, PLURAL, VERSION

USERS: Final = ("operator", "bob")
WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class Replica:
    """One process. `user` is who it is to the API server."""

    def __init__(self, user: str, process: OperatorProcess) -> None:
        self.user, self.process = user, process

    def leads(self) -> bool:
        """Whether it says so itself."""
        return self.process.metric("sshcredential_operator_leader") == 1

    def stands_by(self) -> bool:
        """Whether it is ready, and waits."""
        code, text = self.process.get("/readyz")
        return code == 200 and text.startswith("standby")

    def knows(self) -> int:
        """How many credentials its watches have shown."""
        return int(self.process.metric("sshcredential_operator_credentials"))


class Replicas:
    """An installation with any number of replicas, on a control plane whose audit log tells what they did."""

    def __init__(self, plane: ControlPlane, folder: Path, own: str, desk: Desk, objects: CustomObjectsApi) -> None:
        self.plane, self.desk, self.own = plane, desk, own
        self._folder, self._served, self._objects = folder, desk.namespace, objects
        self._started: list[Replica] = []
        self._asked: list[AuditEvent] = []
        self._read_until = int(plane.audit_mark())

    def start(self, user: str, *, kubeconfig: Path | None = None, ready: bool = True) -> Replica:
        """Start a replica as a user, with a kubeconfig that may go another way."""
        process = OperatorProcess(
            kubeconfig or self.plane.kubeconfig_for(user),
            self._folder / f"{len(self._started)}-{user}.log",
            operator_namespace=self.own,
            workspaces=[self._served],
            options=["--debug", "--leader-election"],
        )
        self._started.append(Replica(user, process))
        if ready:
            process.wait_until_ready()
        return self._started[-1]

    def start_pair(self, *, kubeconfig: Path | None = None) -> tuple[Replica, Replica]:
        """Start a leader and its standby."""
        leader = self.start(USERS[0], kubeconfig=kubeconfig)
        wait_until(leader.leads, "the first replica leads")
        standby = self.start(USERS[1])
        wait_until(standby.stands_by, "the second replica stands by")
        return leader, standby

    def end(self) -> None:
        """End what is still running."""
        for replica in self._started:
            if replica.process.is_running:
                replica.process.stop()

    def until_ready(self, names: Sequence[str]) -> list[Object]:
        """Return these credentials when all of them are Ready, asked for all at once."""
        found: dict[str, Object] = {}

        def ready() -> bool:
            listed: Any = self._objects.list_namespaced_custom_object(GROUP, VERSION, self._served, PLURAL)
            found.update({item["metadata"]["name"]: item for item in listed["items"]})
            return all(name in found and condition_of(found[name]).get("status") == "True" for name in names)

        wait_until(ready, f"{len(names)} credentials are Ready", 60)
        return [found[name] for name in names]

    def asked(self) -> list[AuditEvent]:
        """Return what replicas asked of the API server so far, oldest first."""
        with self.plane.audit_log.open("rb") as log:  # only what is new: this is asked again and again
            log.seek(self._read_until)
            complete = log.read().rpartition(b"\n")[0]
        if complete:
            self._read_until += len(complete) + 1
        places = (f"/namespaces/{self.own}/".encode(), f"/namespaces/{self._served}/".encode())
        lines = [line for line in complete.splitlines() if any(place in line for place in places)]
        self._asked += [event for event in map(parse, lines) if event.user in USERS]
        self._asked.sort(key=began)
        return list(self._asked)

    def written(self) -> list[AuditEvent]:
        """Return what they wrote successfully."""
        return [event for event in self.asked() if event.verb in WRITES and event.code < 300]

    def stored(self) -> list[AuditEvent]:
        """Return every POST of a credential's Secret that succeeded."""
        in_workspace = [event for event in self.written() if event.namespace == self._served]
        return [event for event in in_workspace if (event.verb, event.resource) == ("create", "secrets")]

    def until_stored(self, count: int) -> None:
        """Return when so many keys were stored."""
        wait_until(lambda: len(self.stored()) >= count, f"{count} keys are stored")

    def until_taken(self, by: Replica) -> str:
        """Return when, by the API server's clock, a replica has taken the Lease."""

        def took() -> list[str]:
            return [ended(event) for event in self.written() if (event.user, event.resource) == (by.user, "leases")]

        return wait_until(took, f"{by.user} took the Lease")[0]


def began(event: AuditEvent) -> str:
    """Return when the API server received a request; these times sort as text."""
    return str(event.raw["requestReceivedTimestamp"])


def ended(event: AuditEvent) -> str:
    """Return when the API server had answered."""
    return str(event.raw["stageTimestamp"])


def attempts_after(events: Sequence[AuditEvent], user: str, moment: str) -> list[str]:
    """Return every write that a user began after a moment, however it ended."""
    late = [event for event in events if event.user == user and event.verb in WRITES and began(event) > moment]
    return [f"{began(event)} {event.verb} {event.uri} {event.code}" for event in late]


@contextmanager
def frozen(replica: Replica) -> Iterator[None]:
    """Let nothing of a process run."""
    os.kill(replica.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(replica.process.pid, signal.SIGCONT)


@contextmanager
def replicas(plane: ControlPlane, namespaces: Namespaces, folder: Path) -> Iterator[Replicas]:
    """Prepare an installation that has no replica yet."""
    with ExitStack() as until_the_end:
        served, own = namespaces.create(), namespaces.create()
        for user in USERS:
            grant_workspace(plane, served, user)
            grant_operator_namespace(plane, own, user)
            grant_cluster(plane, user)
        for namespace in (served, own):
            until_the_end.callback(namespaces.delete, namespace)
        desk = until_the_end.enter_context(desk_in(plane, served))
        admin = until_the_end.enter_context(config.new_client_from_config(str(plane.kubeconfig_for("admin"))))
        prepared = Replicas(plane, folder, own, desk, CustomObjectsApi(admin))
        until_the_end.callback(prepared.end)
        yield prepared
