"""An operator with a key ring and workspaces of its own, for tests that stop it, starve it or take its keys away."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cluster.desk import Desk, desk_in
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess

USER = "operator"


class Installation:
    """`operator` is the process that was started last."""

    operator: OperatorProcess

    def __init__(self, cluster: Cluster, folder: Path, operator_namespace: str, workspaces: Sequence[str]) -> None:
        self.operator_namespace = operator_namespace
        self._cluster, self._folder, self._workspaces = cluster, folder, workspaces
        self._numbers = itertools.count(1)
        self._started: list[OperatorProcess] = []

    def start(self, *options: str, ready: bool = True) -> OperatorProcess:
        """Start the operator, once more perhaps; no workspaces means all namespaces."""
        self.operator = OperatorProcess(
            self._cluster.kubeconfig_for(USER),
            self._folder / f"operator-{next(self._numbers)}.log",
            operator_namespace=self.operator_namespace,
            workspaces=self._workspaces,
            options=["--debug", *options],
        )
        self._started.append(self.operator)
        return self.operator.wait_until_ready() if ready else self.operator

    def end(self) -> None:
        """End what is still running."""
        for operator in self._started:
            if operator.is_running:
                operator.stop()

    def until_not_ready(self, sentence: str) -> str:
        """Return what /readyz says once it refuses with this sentence, which is then in the log, too."""

        def refused() -> str:
            code, text = self.operator.get("/readyz")
            return text if code == 503 and sentence in text else ""

        said = wait_until(refused, f"/readyz says: {sentence}")
        assert any(sentence in message for message in self.operator.messages())
        return said

    def until_logged(self, sentence: str) -> dict[str, object]:
        """Return the first line of the log with these words."""

        def logged() -> list[dict[str, object]]:
            return [entry for entry in self.operator.entries() if sentence in str(entry["message"])]

        return wait_until(logged, f"the log says: {sentence}")[0]


@contextmanager
def installation(cluster: Cluster, namespaces: Namespaces, folder: Path) -> Iterator[tuple[Installation, Desk, Desk]]:
    """Prepare an operator that is not started yet; give it with its workspace and its own namespace."""
    with installation_of(cluster, namespaces, folder, workspaces=1) as (prepared, (desk,), key_ring):
        yield prepared, desk, key_ring


@contextmanager
def installation_of(
    cluster: Cluster, namespaces: Namespaces, folder: Path, *, workspaces: int
) -> Iterator[tuple[Installation, list[Desk], Desk]]:
    """Prepare an operator of so many workspaces."""
    with ExitStack() as until_the_end:
        *served, own = (namespaces.create() for _ in range(workspaces + 1))
        for namespace in (*served, own):
            until_the_end.callback(namespaces.delete, namespace)
            grant = grant_operator_namespace if namespace == own else grant_workspace
            grant(cluster, namespace, USER)
        grant_cluster(cluster, USER)
        prepared = Installation(cluster, folder, own, served)
        until_the_end.callback(prepared.end)
        *desks, key_ring = (until_the_end.enter_context(desk_in(cluster, namespace)) for namespace in (*served, own))
        yield prepared, desks, key_ring
