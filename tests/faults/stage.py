"""One control plane, one proxy, one zygote and one chronicle, on which many plans run at the same time.

Each plan has a workspace and an operator's namespace of its own, so that nothing of one is anything to another.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from kubernetes import client, config

from cluster.etcd_history import API_SERVER_FLAGS
from cluster.rights import RBAC, ROLES, Right, grant_cluster, has_right
from controlplane.clusters import install
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from faultproxy.proxy import FaultProxy
from faults.cast import USER, Cast
from faults.chronicle import Chronicle
from faults.operators import Zygote
from faults.plan import Plan
from faults.users import Users

NO_LIMITS: Final = ("--max-requests-inflight=4000", "--max-mutating-requests-inflight=2000")
WORKSPACE_ROLE: Final = "sshcredential-operator-workspace"
OWN_ROLE: Final = "sshcredential-operator-operator-namespace"
CONNECTIONS: Final = 16


class Place(NamedTuple):
    """Two namespaces that no other plan has, and who is in them."""

    namespace: str
    own: str
    beside: tuple[str, ...]
    users: Users
    cast: Cast


class Stage:
    """Made by `stage`, and used by as many threads as run plans."""

    def __init__(
        self, plane: ControlPlane, proxy: FaultProxy, zygote: Zygote, chronicle: Chronicle, folder: Path
    ) -> None:
        self.plane, self.chronicle, self._proxy, self._zygote, self._folder = plane, chronicle, proxy, zygote, folder
        settings = client.Configuration()
        config.load_kube_config(str(plane.kubeconfig_for("admin")), client_configuration=settings)
        settings.connection_pool_maxsize = CONNECTIONS
        self.connection = client.ApiClient(settings)
        self._core: Any = client.CoreV1Api(self.connection)
        self._rights: Any = client.RbacAuthorizationV1Api(self.connection)
        self._reviews = client.AuthorizationV1Api(self.connection)
        self._numbers = itertools.count(1)

    @contextmanager
    def place(self, plan: Plan, others: int = 0) -> Iterator[Place]:
        """Make the namespaces of a plan, with so many other workspaces beside the one that is judged.

        Afterwards its operators are ended. The namespaces stay: their end is a plan's own business.
        """
        word = f"{next(self._numbers)}-{secrets.token_hex(2)}"
        namespace, own = f"work-{word}", f"own-{word}"
        beside = [f"beside-{number}-{word}" for number in range(others)]
        roles = dict.fromkeys((namespace, *beside), WORKSPACE_ROLE) | {own: OWN_ROLE}
        for name, role in roles.items():
            self._core.create_namespace({"metadata": {"name": name}})
            subject = {"apiGroup": RBAC, "kind": "User", "name": USER}
            reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
            body = {"metadata": {"name": role}, "roleRef": reference, "subjects": [subject]}
            self._rights.create_namespaced_role_binding(name, body)
        for name, role in roles.items():
            asked = Right("delete" if role == WORKSPACE_ROLE else "create", "secrets", namespace=name)
            wait_until(lambda asked=asked: has_right(self._reviews, USER, asked), f"{USER} has {asked}")  # type: ignore[misc]  # mypy cannot infer it
        folder = self._folder / word
        folder.mkdir()
        places = {namespace: "workspace", own: "own"} | {name: name.removesuffix(f"-{word}") for name in beside}
        cast = Cast(self._proxy, self._zygote, self.plane.token(USER), folder, places, plan)
        users = Users(self.plane, self.connection, namespace, own)
        try:
            yield Place(namespace, own, tuple(beside), users, cast)
        finally:
            cast.end()
            for name in roles:
                self.chronicle.forget(name)
            shutil.rmtree(folder)


@contextmanager
def stage(folder: Path, bug: str = "") -> Iterator[Stage]:
    """Build a stage; with a `bug`, for operators that have it."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as until_the_end:
        until_the_end.callback(shutil.rmtree, folder / "data" / "etcd", ignore_errors=True)
        plane = ControlPlane(folder / "data", apiserver_args=(*API_SERVER_FLAGS, *NO_LIMITS))
        until_the_end.enter_context(plane)
        install(plane)
        plane.kubectl("apply", "-f", str(ROLES))
        grant_cluster(plane, USER)
        proxy = until_the_end.enter_context(FaultProxy(plane.server, plane.ca_file, folder))
        zygote = until_the_end.enter_context(Zygote(bug))
        chronicle = until_the_end.enter_context(Chronicle(plane))
        made = Stage(plane, proxy, zygote, chronicle, folder)
        until_the_end.callback(made.connection.close)
        yield made
