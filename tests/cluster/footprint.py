"""What one operator asks of the API server, by the audit log of our own control plane. Used by `test_requests`.

Each operator here has a ServiceAccount of its own, as in a pod, so that no request of anybody else is taken for its.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cluster.desk import Desk, desk_in
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import generated
from controlplane import access
from controlplane.audit import AuditEvent, AuditMark
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.readiness import get
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP

READS: Final = frozenset({"get", "list", "watch"})
ACCOUNT: Final = "operator-under-test"
BUOY: Final = "buoy"


class Asked(NamedTuple):
    """One request. `resource` is as in RBAC: `secrets`, `sshcredentials/status`."""

    verb: str
    resource: str
    namespace: str
    name: str

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.verb not in READS


class Audited:
    """An operator with a user, an operator namespace and workspaces of its own. It may be stopped and started."""

    def __init__(self, plane: ControlPlane, own: Desk, desks: Sequence[Desk], folder: Path) -> None:
        self.own, self.desks = own, tuple(desks)
        self._plane, self._folder = plane, folder
        self.user = f"system:serviceaccount:{own.namespace}:{ACCOUNT}"
        self._kubeconfig = folder / "kubeconfig"
        self._process: OperatorProcess | None = None
        self._let_it_in()

    def start(self) -> None:
        """Start the operator, and return when it is ready."""
        self._process = OperatorProcess(
            self._kubeconfig,
            self._folder / f"operator-{secrets.token_hex(2)}.log",
            operator_namespace=self.own.namespace,
            workspaces=[desk.namespace for desk in self.desks],
            options=["--debug"],
        )
        operator = self._process.wait_until_ready()
        published = "sshcredential_operator_sealing_keys_published"
        wait_until(lambda: operator.metric(published) == 1, "the sealing keys were looked at")

    def stop(self) -> None:
        """End the operator."""
        if self._process is not None:
            self._process.stop()

    def mark(self) -> AuditMark:
        """Return the present end of the audit log, with every request in it that was answered before."""
        token = secrets.token_hex(8)
        port = int(self._plane.server.rpartition(":")[2])
        since = self._plane.audit_mark()
        get(port, f"/version?mark={token}", self._plane.ca_file, self._plane.token(access.ADMIN))
        wait_until(lambda: any(token in event.uri for event in self._plane.audit_events(since)), "the mark is there")
        return self._plane.audit_mark()

    def caught_up(self) -> AuditMark:
        """Return a mark from when everything that happened before was looked at.

        The queue is first come, first served in a namespace: a credential that comes now is Ready after all others were
        looked at. Its own requests are not counted by `requests`.
        """
        for desk in self.desks:
            name = f"{BUOY}-{secrets.token_hex(4)}"
            desk.create(name, generated())
            desk.until(name, "Available")
        wait_until(self._has_told, "the key ring's ConfigMap names the keys of all workspaces")
        return self.mark()

    def _has_told(self) -> bool:
        # Within five seconds of a workspace's first key, and once.
        command = (
            "get",
            "configmap",
            KEY_RING_CONFIG_MAP,
            "-n",
            self.own.namespace,
            "-o",
            "jsonpath={.data.state\\.json}",
        )
        told = self._plane.kubectl(*command, check=False).stdout
        return bool(told) and {desk.namespace for desk in self.desks} <= json.loads(told)["workspaces"].keys()

    def requests(self, since: AuditMark, *, buoys: bool = False) -> list[AuditEvent]:
        """Return this operator's requests after a mark, each once, also those that were refused."""
        events = [event for event in self._plane.audit_events(since) if event.user == self.user]
        once = {event.raw["auditID"]: event for event in events}
        return [event for event in once.values() if buoys or not event.name.startswith(BUOY)]

    def asked(self, since: AuditMark) -> Counter[Asked]:
        """Return how often it asked for what after a mark; watches, which last, are left out."""
        return Counter(asked(event) for event in self.requests(since) if event.verb != "watch")

    def _let_it_in(self) -> None:
        self._plane.kubectl("create", "serviceaccount", ACCOUNT, "-n", self.own.namespace)
        token = self._plane.kubectl(
            "create", "token", ACCOUNT, "-n", self.own.namespace, "--duration=2h"
        ).stdout.strip()
        authority = self._plane.ca_file.read_bytes()
        content = access.kubeconfig(self._plane.server, authority, self.user, {"token": token})
        access.write_kubeconfig(self._kubeconfig, content)
        for desk in self.desks:
            grant_workspace(self._plane, desk.namespace, self.user)
        grant_operator_namespace(self._plane, self.own.namespace, self.user)
        grant_cluster(self._plane, self.user)


@contextmanager
def audited(plane: ControlPlane, namespaces: Namespaces, folder: Path, *, workspaces: int = 2) -> Iterator[Audited]:
    """Start an operator, and end it and its namespaces afterwards."""
    with ExitStack() as until_the_end:
        names = [namespaces.create() for _ in range(workspaces + 1)]
        for name in names:
            until_the_end.callback(namespaces.delete, name)
        own, *desks = [until_the_end.enter_context(desk_in(plane, name)) for name in names]
        operator = Audited(plane, own, desks, folder)
        until_the_end.callback(operator.stop)
        operator.start()
        yield operator


def asked(event: AuditEvent) -> Asked:
    """Return what a request asked for. An event's name is random and told to nobody."""
    resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
    return Asked(event.verb, resource, event.namespace, "" if event.resource == "events" else event.name)


def of_credential(counted: Counter[Asked], namespace: str, names: Collection[str]) -> Counter[Asked]:
    """Return those requests that name one of these objects of a namespace."""
    return Counter({one: times for one, times in counted.items() if one.namespace == namespace and one.name in names})


def writes(counted: Counter[Asked]) -> Counter[Asked]:
    """Return those requests that may change something."""
    return Counter({one: times for one, times in counted.items() if one.writes})


def unselected_lists(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Return the lists of Secrets that are not restricted to a type of ours."""
    return [e for e in events if (e.verb, e.resource) == ("list", "secrets") and not selects_a_type(e)]


def selects_a_type(event: AuditEvent) -> bool:
    """Whether a list or watch asks for Secrets of one type of ours only."""
    selector = parse_qs(urlsplit(event.uri).query).get("fieldSelector", [""])[0]
    return selector.startswith("type=sshcredentials.dev/")
