"""The pytest plugin of the cluster tests: options, the seed, and fixtures. Loaded by tests/conftest.py."""

from __future__ import annotations

import random
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from controlplane.audit import AuditLevel
from controlplane.binaries import NoBinaries
from controlplane.clusters import Cluster, install
from controlplane.elsewhere import ForeignCluster, NoCluster, kind_cluster, require_kind
from controlplane.gobuild import BuildFailed
from controlplane.gotoolchain import NoGo
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.readiness import NotReady
from node import preflight
from node.aftermath import nothing_left
from node.node import Node

EMBEDDED: Final = "embedded"
NODE: Final = "node"
KINDS: Final = (EMBEDDED, "current", "kind", NODE)
OwnControlPlane = Callable[..., ControlPlane]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sshcredential-operator")
    group.addoption(
        "--cluster",
        choices=KINDS,
        default=EMBEDDED,
        help="where tests of the cluster run: a control plane of their own (the default), the present context of "
        "KUBECONFIG, a new kind cluster, or a node with containers on this machine",
    )
    group.addoption("--seed", type=int, default=None, help="the seed of everything random, to repeat a run")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = secrets.randbelow(10**6)
    kind = config.option.cluster
    if require := {"kind": require_kind, NODE: preflight.require}.get(kind):
        try:
            require()
        except NoCluster as reason:
            raise pytest.UsageError(f"--cluster={kind}: {reason}") from None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the seed. Not by pytest_report_header, which says nothing under -q."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        option = session.config.option
        reporter.write_line(f"seed: {option.seed} (again: --seed={option.seed}); cluster: {option.cluster}")


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run, printed at its start."""
    number: int = request.config.option.seed
    return number


@pytest.fixture
def rng(request: pytest.FixtureRequest, seed: int) -> random.Random:
    """Random numbers that depend on the seed and on the test, not on which tests ran before."""
    return random.Random(f"{seed}/{request.node.nodeid}")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of this run, with CRDs, admission policies and roles in it."""
    with ExitStack() as until_the_end:
        with spoken(request.config):
            started = _start(request, tmp_path_factory.mktemp("cluster"), until_the_end)
            install(started)
        yield started


@pytest.fixture(scope="session")
def embedded(cluster: Cluster) -> ControlPlane:
    """The cluster of this run, where it is our own: with audit log and tokens."""
    if isinstance(cluster, Node):
        return cluster.plane
    if not isinstance(cluster, ControlPlane):
        pytest.skip("looks into the control plane itself: only with --cluster=embedded or node")
    return cluster


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The node of this run, with containers. With --cluster=node it is the cluster, too; else nothing is in it yet."""
    if absent := preflight.missing():
        pytest.skip(preflight.refusal(absent))
    with ExitStack() as until_the_end:
        folder = tmp_path_factory.mktemp("node")
        until_the_end.callback(shutil.rmtree, folder / "control-plane" / "etcd", ignore_errors=True)
        with spoken(request.config):
            started = until_the_end.enter_context(nothing_left(Node(folder)))
        yield started


@pytest.fixture(scope="session")
def namespaces(cluster: Cluster) -> Iterator[Namespaces]:
    """Makes namespaces in the cluster of this run."""
    made = Namespaces(cluster.kubeconfig_for("admin"))
    yield made
    made.close()


@pytest.fixture
def namespace(namespaces: Namespaces) -> Iterator[str]:
    """A namespace for this test alone. It is deleted afterwards, which nobody waits for."""
    name = namespaces.create()
    yield name
    namespaces.delete(name)


@pytest.fixture
def own_control_plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnControlPlane]:
    """Start control planes for this test alone, which it may stop, break, and leave without the project's API."""
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("stops and starts a control plane of its own: only with --cluster=embedded")
    with ExitStack() as until_the_end:

        def start(
            *, with_api: bool = False, audit_level: AuditLevel = "Metadata", apiserver_args: tuple[str, ...] = ()
        ) -> ControlPlane:
            folder = tmp_path_factory.mktemp("own-control-plane") / "data"
            with spoken(request.config):
                plane = ControlPlane(folder, audit_level=audit_level, apiserver_args=apiserver_args)
                _start_until_the_end(plane, until_the_end)
            if with_api:
                install(plane)
            return plane

        yield start


def _start(request: pytest.FixtureRequest, folder: Path, until_the_end: ExitStack) -> Cluster:
    match request.config.option.cluster:
        case "node":
            node: Node = request.getfixturevalue("node")
            return node
        case "current":
            return ForeignCluster(folder)
        case "kind":
            return until_the_end.enter_context(kind_cluster(folder))
        case _:
            return _start_until_the_end(ControlPlane(folder / "data"), until_the_end)


def _start_until_the_end(plane: ControlPlane, until_the_end: ExitStack) -> ControlPlane:
    # pytest keeps the folders of the last runs: the logs are worth it, the 64 MB of each etcd are not.
    until_the_end.callback(shutil.rmtree, plane.data_dir / "etcd", ignore_errors=True)
    return until_the_end.enter_context(plane)


@contextmanager
def spoken(config: pytest.Config) -> Iterator[None]:
    """Let what a person waits for be seen in spite of pytest's capture, and say plainly why it failed."""
    capture = config.pluginmanager.getplugin("capturemanager")
    problem = None
    try:
        with capture.global_and_fixture_disabled():
            yield
    except (BuildFailed, NoBinaries, NoCluster, NoGo, NotReady) as raised:
        problem = str(raised)
    if problem is not None:
        pytest.fail(problem, pytrace=False)
