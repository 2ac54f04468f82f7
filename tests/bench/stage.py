"""A control plane that limits nobody, and operators at work on it: where figures are taken."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.cost import Cost, cost_of
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from controlplane.clusters import install
from controlplane.plane import ControlPlane
from operators.process import COMMAND, OperatorProcess

OPERATOR_NAMESPACE: Final = "sshcredential-system"
USER: Final = "operator"
NO_LIMITS: Final = ("--max-requests-inflight=4000", "--max-mutating-requests-inflight=2000")

_POD: Final = """\
place=/run/secrets/kubernetes.io/serviceaccount
mount -t tmpfs none /run && mkdir -p $place && cd $place
printf %s "$BENCH_TOKEN" >token && cat "$BENCH_CA" >ca.crt && printf %s "$BENCH_NAMESPACE" >namespace
cd / && exec env -u KUBECONFIG -u BENCH_TOKEN -u BENCH_CA -u BENCH_NAMESPACE "$@"
"""
"""Gives a process what a pod has: a service account's files, in a mount namespace of its own. Needs root on Linux."""


class Stage:
    """A control plane, a folder for files, and namespaces with an operator's rights."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane, self.folder = plane, folder
        self._made: set[str] = set()
        self._number = 0

    @property
    def in_pods(self) -> bool:
        """Whether operators are started with what a pod has."""
        return os.geteuid() == 0 and Path("/proc/self/ns/mnt").exists()

    def namespaces(self, *names: str) -> None:
        """Make these namespaces unless they are there, and let the operator work in them."""
        if not self._made:
            self.plane.kubectl("create", "namespace", OPERATOR_NAMESPACE)
            grant_operator_namespace(self.plane, OPERATOR_NAMESPACE, USER)
            grant_cluster(self.plane, USER)
        for name in names:
            if name not in self._made:
                self.plane.kubectl("create", "namespace", name)
                grant_workspace(self.plane, name, USER)
                self._made.add(name)

    def fresh(self, word: str) -> str:
        """Make one more namespace and return its name."""
        self._number += 1
        name = f"{word}-{self._number}"
        self.namespaces(name)
        return name

    @contextmanager
    def operator(
        self, workspaces: Sequence[str], options: Sequence[str] = (), server: str | None = None, *, wait: bool = True
    ) -> Iterator[OperatorProcess]:
        """Run this operator for these workspaces and yield it when it is ready; `server` is another way to go."""
        self._number += 1
        log = self.folder / f"operator-{self._number}.log"
        with OperatorProcess(
            self.plane.kubeconfig_for(USER) if self.in_pods or server is None else self._kubeconfig(server),
            log,
            operator_namespace=OPERATOR_NAMESPACE,
            workspaces=workspaces,
            options=["--listen", "127.0.0.1:0", "--leader-election", *options],
            program=self._program(server or self.plane.server),
        ) as operator:
            if wait:
                operator.wait_until_ready(PATIENCE)
            yield operator

    def costs(self, pid: int | None = None) -> dict[str, Cost]:
        """Return what operator, API server and etcd have cost so far."""
        daemons = self.plane.daemons
        found = {"apiserver": cost_of(daemons["apiserver"].pid), "etcd": cost_of(daemons["etcd"].pid)}
        return found if pid is None else {"operator": cost_of(pid), **found}

    def _program(self, server: str) -> list[str]:
        if not self.in_pods:
            return [str(COMMAND)]
        at = urlsplit(server)
        pod = {
            "KUBERNETES_SERVICE_HOST": at.hostname,
            "KUBERNETES_SERVICE_PORT": at.port,
            "BENCH_TOKEN": self.plane.token(USER),
            "BENCH_CA": self.plane.ca_file,
            "BENCH_NAMESPACE": OPERATOR_NAMESPACE,
        }
        variables = [f"{name}={value}" for name, value in pod.items()]
        return ["env", *variables, "unshare", "--mount", "sh", "-ec", _POD, "sh", str(COMMAND)]

    def _kubeconfig(self, server: str) -> Path:
        original = self.plane.kubeconfig_for(USER)
        path = self.folder / f"kubeconfig-{self._number}"
        path.touch(mode=0o600)
        path.write_text(original.read_text().replace(self.plane.server, server))
        return path


PATIENCE: Final = 300


@contextmanager
def control_plane(limits: Sequence[str] = NO_LIMITS) -> Iterator[tuple[ControlPlane, Path]]:
    """Start one with our API; yield it and a folder that ends with it."""
    with ExitStack() as until_the_end:
        folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="sshcredential-bench-")))
        plane = until_the_end.enter_context(ControlPlane(folder / "data", apiserver_args=limits))
        install(plane)
        yield plane, folder


@contextmanager
def working_operator(
    plane: ControlPlane, folder: Path, workspaces: Sequence[str], others: Sequence[str] = ()
) -> Iterator[OperatorProcess]:
    """Make the workspaces and other namespaces, and start an operator that is ready."""
    stage = Stage(plane, folder)
    stage.namespaces(*workspaces)
    for name in others:
        plane.kubectl("create", "namespace", name)
    with stage.operator(workspaces) as operator:
        yield operator


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least one value."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
