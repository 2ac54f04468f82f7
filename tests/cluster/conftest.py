"""Operators for the tests of this folder: one that all share, and as many of their own as they like."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from kubernetes import config

from cluster.desk import Desk, desk_in
from cluster.export_desk import ExportDesk, exported
from cluster.forge import Forge, serving
from cluster.keyfiles import KeyFiles
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess

StartOperator = Callable[..., OperatorProcess]


class Workspace(NamedTuple):
    """A namespace that the shared operator serves."""

    namespace: str
    operator: OperatorProcess
    other: str
    """Another one, for tests that look at a namespace as a whole."""


@pytest.fixture(scope="session")
def workspace(
    cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """The shared operator and its namespace. Tests take names of their own (`name`) and leave the others alone."""
    served, other, own = (namespaces.create() for _ in range(3))
    for namespace, grant in ((served, grant_workspace), (other, grant_workspace), (own, grant_operator_namespace)):
        grant(cluster, namespace, "operator")
    grant_cluster(cluster, "operator")
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    kubeconfig = cluster.kubeconfig_for("operator")
    workspaces, options = [served, other], ["--debug"]
    with OperatorProcess(kubeconfig, log, operator_namespace=own, workspaces=workspaces, options=options) as operator:
        yield Workspace(served, operator.wait_until_ready(), other)
    for namespace in (*workspaces, own):
        namespaces.delete(namespace)


@pytest.fixture(scope="session")
def desk(cluster: Cluster, workspace: Workspace) -> Iterator[Desk]:
    """What a person does in the shared operator's workspace."""
    with desk_in(cluster, workspace.namespace) as desk:
        yield desk


@pytest.fixture(scope="session")
def exports(cluster: Cluster, workspace: Workspace) -> Iterator[ExportDesk]:
    """The exports of the shared workspace. When all is done, no copy is left that nobody asks for."""
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection:
        desk = ExportDesk(connection, workspace.namespace)
        yield desk
        for name in desk.names():
            desk.delete(name)
        wait_until(lambda: not desk.copies(), "no copy is left")


@pytest.fixture(scope="session")
def expiring(desk: Desk, exports: ExportDesk) -> str:
    """An export that ends while other tests run."""
    name = "the-time-of-this-one-ends"
    desk.create(name, {"generate": {}})
    exports.create(name, exported(name, f"{name}-copy", expiresAfter="1m"))
    exports.until(name, "Exported")
    return name


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A Git repository behind a real sshd."""
    with serving(tmp_path_factory.mktemp("forge")) as forge:
        yield forge


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    """Key files as people have them."""
    return KeyFiles(tmp_path_factory.mktemp("key-files"))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for a credential that no other test has."""
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")[:40].strip("-")
    return f"{stem}-{next(_numbers)}"


_numbers = itertools.count(1)


@pytest.fixture
def start_operator(cluster: Cluster, tmp_path: Path) -> Iterator[StartOperator]:
    """Start operators of this test's own; each log is a file of its own. Give `on` for another control plane."""
    with ExitStack() as until_the_end:

        def start(
            *,
            operator_namespace: str,
            workspaces: list[str],
            on: Cluster | None = None,
            user: str = "operator",
            ready: bool = True,
            options: Sequence[str] = (),
        ) -> OperatorProcess:
            plane = on or cluster
            log = tmp_path / f"operator-{next(_numbers)}.log"
            process = OperatorProcess(
                plane.kubeconfig_for(user),
                log,
                operator_namespace=operator_namespace,
                workspaces=workspaces,
                options=["--debug", *options],
            )
            until_the_end.enter_context(process)
            return process.wait_until_ready() if ready else process

        yield start
