"""An operator, the process of targets beside it, and real servers with real accounts: what tests of targets play on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from kubernetes import client, config

from cluster.desk import Desk, desk_in, until_shown
from cluster.rights import (
    grant_cluster,
    grant_operator_namespace,
    grant_targets_cluster,
    grant_targets_operator_namespace,
    grant_targets_workspace,
    grant_workspace,
)
from cluster.shown import Object, answered, reason_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from operators.process import OperatorProcess
from ssh.accounts import Account
from ssh.servers import ADDRESS, Sshd
from sshcredential_operator.api.names import (
    API_VERSION,
    GROUP,
    PROBE_REQUESTED_ANNOTATION,
    TARGET_KIND,
    TARGET_PLURAL,
    VERSION,
)

OPERATOR: Final = "operator"
TARGETS: Final = "targets"
ON_THE_LOOPBACK: Final = ("--allow-destination", "127.0.0.0/8")


class TargetDesk:
    """The targets of one namespace, as its administrator."""

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self._objects: Any = client.CustomObjectsApi(connection)
        self._where = (GROUP, VERSION, namespace, TARGET_PLURAL)
        self._requests = 0

    def create(self, name: str, spec: Object) -> Object:
        """Make a target."""
        body = {"apiVersion": API_VERSION, "kind": TARGET_KIND, "metadata": {"name": name}, "spec": spec}
        return cast("Object", self._objects.create_namespaced_custom_object(*self._where, body))

    def edit(self, name: str, spec: Object) -> None:
        """Change the spec by a merge patch; None takes a member away."""
        self._objects.patch_namespaced_custom_object(*self._where, name, {"spec": spec})

    def probe(self, name: str) -> str:
        """Ask for a probe now; return what the status says when it is done."""
        self._requests += 1
        request = f"request {self._requests}"
        self.annotate(name, {PROBE_REQUESTED_ANNOTATION: request})
        return request

    def annotate(self, name: str, annotations: dict[str, str]) -> None:
        """Annotate a target."""
        self._objects.patch_namespaced_custom_object(*self._where, name, {"metadata": {"annotations": annotations}})

    def delete(self, name: str) -> None:
        """Delete a target."""
        self._objects.delete_namespaced_custom_object(*self._where, name)

    def get(self, name: str) -> Object:
        """Return a target as it is."""
        return cast("Object", self._objects.get_namespaced_custom_object(*self._where, name))

    def until(self, name: str, reason: str, *, seconds: float = 30) -> Object:
        """Return the target when Ready has this reason for the spec's present generation."""
        return self.until_object(
            name, lambda found: (reason_of(found), answered(found)) == (reason, True), reason, seconds
        )

    def until_object(self, name: str, condition: Callable[[Object], bool], what: str, seconds: float = 30) -> Object:
        """Return the target when this condition holds for it."""
        return until_shown(lambda: self.get(name), condition, f"target {name} is {what}", seconds)


@dataclass
class Stage:
    """All of it. `process` is the process of targets that was started last."""

    cluster: Cluster
    namespace: str
    own: str
    folder: Path
    desk: Desk
    targets: TargetDesk
    operator: OperatorProcess
    started: list[OperatorProcess] = field(default_factory=list)
    elsewhere: tuple[str, ...] = ()
    """Other namespaces that are served."""

    @property
    def process(self) -> OperatorProcess:
        """The process of targets."""
        return self.started[-1]

    def start(self, *options: str) -> OperatorProcess:
        """Start the process of targets, once more perhaps."""
        process = OperatorProcess(
            self.cluster.kubeconfig_for(TARGETS),
            self.folder / f"targets-{len(self.started)}.log",
            operator_namespace=self.own,
            workspaces=[self.namespace, *self.elsewhere],
            options=["--debug", *(options or ON_THE_LOOPBACK)],
            process="targets",
        )
        self.started.append(process)
        return process.wait_until_ready()

    def end(self) -> None:
        """End what is still running."""
        for process in self.started:
            if process.is_running:
                process.stop()

    def public_key(self, name: str) -> str:
        """Return the public key of a credential in use."""
        return str(self.desk.get(name)["status"]["publicKey"])


@contextmanager
def stage(
    cluster: Cluster, namespaces: Namespaces, folder: Path, options: Sequence[str] = (), *, workspaces: int = 1
) -> Iterator[Stage]:
    """Set everything up, for the block."""
    own, served, *elsewhere = (namespaces.create() for _ in range(1 + workspaces))
    for one in (served, *elsewhere):
        grant_workspace(cluster, one, OPERATOR)
        grant_targets_workspace(cluster, one, TARGETS)
    grant_operator_namespace(cluster, own, OPERATOR)
    grant_cluster(cluster, OPERATOR)
    grant_targets_operator_namespace(cluster, own, TARGETS)
    grant_targets_cluster(cluster, TARGETS)
    with ExitStack() as until_the_end:
        operator = until_the_end.enter_context(
            OperatorProcess(
                cluster.kubeconfig_for(OPERATOR),
                folder / "operator.log",
                operator_namespace=own,
                workspaces=[served, *elsewhere],
                options=["--debug"],
            )
        ).wait_until_ready()
        desk = until_the_end.enter_context(desk_in(cluster, served))
        connection = until_the_end.enter_context(config.new_client_from_config(str(cluster.kubeconfig_for("admin"))))
        made = Stage(cluster, served, own, folder, desk, TargetDesk(connection, served), operator)
        made.elsewhere = tuple(elsewhere)
        until_the_end.callback(made.end)
        made.start(*options)
        yield made
    for namespace in (served, *elsewhere, own):
        namespaces.delete(namespace)


def at(server: Sshd, credential: str, **members: Any) -> Object:
    """Return a spec for an account at a server whose host key is pinned."""
    return {
        "credentialRef": {"name": credential},
        "host": ADDRESS,
        "port": server.port,
        "username": server.user,
        "hostKeys": {"policy": "Pinned", "keys": list(server.host_keys)},
    } | members


def installed_at(server: Sshd, account: Account, credential: str, **members: Any) -> Object:
    """Return a spec for an account whose authorized_keys the operator keeps."""
    managed = {"manage": "Install"} | members.pop("authorizedKey", {})
    return at(server, credential, username=account.name, authorizedKey=managed) | members


def logs_in(server: Sshd, user: str, private_key: Path) -> bool:
    """Whether a real ssh with this key file gets in."""
    tried = subprocess.run(
        [
            *("ssh", "-F", "none", "-i", private_key, "-p", str(server.port), "-o", "IdentitiesOnly=yes"),
            *("-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"),
            *("-o", "UserKnownHostsFile=/dev/null", f"{user}@{ADDRESS}", "true"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return tried.returncode == 0


def told(found: Object) -> str:
    """Return a status as text, to look for words in it."""
    return json.dumps(found["status"])
