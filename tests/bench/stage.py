"""A control plane that limits nobody, and an operator at work on it: where figures are taken."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from controlplane.clusters import install
from controlplane.plane import ControlPlane
from operators.process import OperatorProcess

OPERATOR_NAMESPACE: Final = "sshcredential-system"
NO_LIMITS: Final = ("--max-requests-inflight=4000", "--max-mutating-requests-inflight=2000")


@contextmanager
def control_plane() -> Iterator[tuple[ControlPlane, Path]]:
    """Start one with our API; yield it and a folder that ends with it."""
    with ExitStack() as until_the_end:
        folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="sshcredential-bench-")))
        plane = until_the_end.enter_context(ControlPlane(folder / "data", apiserver_args=NO_LIMITS))
        install(plane)
        yield plane, folder


@contextmanager
def working_operator(
    plane: ControlPlane, folder: Path, workspaces: Sequence[str], others: Sequence[str] = ()
) -> Iterator[OperatorProcess]:
    """Make the workspaces and other namespaces, and start an operator that is ready."""
    for name in [OPERATOR_NAMESPACE, *workspaces, *others]:
        plane.kubectl("create", "namespace", name)
    for name in workspaces:
        grant_workspace(plane, name, "operator")
    grant_operator_namespace(plane, OPERATOR_NAMESPACE, "operator")
    grant_cluster(plane, "operator")
    with OperatorProcess(
        plane.kubeconfig_for("operator"),
        folder / "operator.log",
        operator_namespace=OPERATOR_NAMESPACE,
        workspaces=workspaces,
    ) as operator:
        operator.wait_until_ready()
        yield operator


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
