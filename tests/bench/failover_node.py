"""The same as bench/failover.py on a real node: the chart's two pods, and what happens to containers. And an upgrade.

    make bench-failover-node ARGS='--tries 10'

Each try comes at a random moment between two renewals of the Lease. A credential is created at once, and the time is
taken until it is Ready. Then the pod is replaced, so that the kubelet does not wait ever longer to start it again.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from kubernetes import client, config

from bench.failover import Try, heading, row
from chart.rendering import NAMESPACE
from cluster.desk import Desk
from cluster.shown import condition_of, generated
from controlplane.waiting import wait_until
from node.installation import LEASE, WORKSPACES, Installation
from node.node import Node
from node.operator_image import operator_image
from node.steady_client import SteadyClient
from sshcredential_operator.controller.leader import RENEW_SECONDS

PATIENCE: Final = 90
PER_SECOND: Final = 5
SECONDS_BEFORE_AND_AFTER: Final = 10


class Leader(NamedTuple):
    """The pod that leads, its processes on this machine, and how the API server is asked."""

    pod: str
    pids: list[int]
    core: Any

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that runs in the container; to its first process alone what it should pass on."""
        for pid in self.pids if number in {signal.SIGSTOP, signal.SIGCONT} else self.pids[:1]:
            os.kill(pid, number)

    def delete(self) -> None:
        """Delete the pod as a drain does."""
        self.core.delete_namespaced_pod(self.pod, NAMESPACE)


HAPPENINGS: Final[dict[str, Callable[[Leader], None]]] = {
    "killed": lambda leader: leader.signal(signal.SIGKILL),
    "frozen": lambda leader: leader.signal(signal.SIGSTOP),
    "deleted": Leader.delete,
    "stopped": lambda leader: leader.signal(signal.SIGTERM),
}


class Stage:
    """The release on its node, and a person at a desk."""

    def __init__(self, installed: Installation, desk: Desk, connection: client.ApiClient) -> None:
        self._installed, self._desk = installed, desk
        self._core: Any = client.CoreV1Api(connection)
        self._leases: Any = client.CoordinationV1Api(connection)

    def one_try(self, kind: str, name: str) -> Try:
        """Let it happen once."""
        standby, pod = self._installed.standby(), self._installed.leader()
        pids = [process.pid for process in self._installed.node.processes_of(NAMESPACE, pod)]
        leader = Leader(pod, pids, self._core)
        time.sleep(random.uniform(0, RENEW_SECONDS))
        begun = time.monotonic()
        HAPPENINGS[kind](leader)
        try:
            self._desk.create(name, generated())
            wait_until(lambda: self._holder() == standby, "the standby leads", PATIENCE)
            led = time.monotonic() - begun
            wait_until(lambda: self._is_ready(name), f"{name} is Ready", PATIENCE)
            return Try(led, time.monotonic() - begun)
        finally:
            self._put_right(kind, leader)

    def longest_wait(self, number: int) -> tuple[int, float]:
        """Replace all pods while credentials are created; return how many were, and the longest wait of one."""
        with SteadyClient(self._installed.node, WORKSPACES[0], f"rolling-{number}", PER_SECOND) as creating:
            time.sleep(SECONDS_BEFORE_AND_AFTER)
            self._installed.upgrade(podAnnotations={"example.com/changed": str(number)})
            time.sleep(SECONDS_BEFORE_AND_AFTER)
        self._installed.until_ready()
        return len(creating.names), max(creating.waits.values())

    def _holder(self) -> str:
        lease = self._leases.read_namespaced_lease(LEASE, NAMESPACE)
        return (lease.spec.holder_identity or "").partition("_")[0]

    def _is_ready(self, name: str) -> bool:
        return condition_of(self._desk.get(name)).get("status") == "True"

    def _put_right(self, kind: str, leader: Leader) -> None:
        if kind == "frozen":
            leader.signal(signal.SIGCONT)
        elif kind != "deleted":
            leader.delete()
            wait_until(lambda: leader.pod not in self._names(), "the pod is gone", PATIENCE)

    def _names(self) -> set[str]:
        return {pod.metadata.name for pod in self._core.list_namespaced_pod(NAMESPACE).items}


def measure(stage: Stage, tries: int, kinds: Sequence[str], upgrades: int) -> None:
    """Try everything and print the tables."""
    print(heading())
    for kind in kinds:
        print(row(kind, [stage.one_try(kind, f"{kind}-{number}") for number in range(tries)]), flush=True)
    for number in range(upgrades):
        count, longest = stage.longest_wait(number)
        print(f"upgrade with {PER_SECOND} credentials created each second: {count}, the longest wait {longest:.2f} s")


def main(arguments: Sequence[str]) -> None:
    """Start a node, install the chart on it, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=10, help="how often each (default 10)")
    parser.add_argument("--upgrades", type=int, default=3, help="how many upgrades (default 3)")
    parser.add_argument("--only", choices=HAPPENINGS, action="append", help="may be repeated; default: all")
    options = parser.parse_args(arguments)
    image = operator_image()
    with tempfile.TemporaryDirectory(prefix="sshcredential-failover-") as name, ExitStack() as until_the_end:
        folder = Path(name)
        node = until_the_end.enter_context(Node(folder / "node"))
        installed = Installation(node, image, folder).prepare().ensure()
        desk = until_the_end.enter_context(installed.desk())
        admin = until_the_end.enter_context(config.new_client_from_config(str(node.kubeconfig_for("admin"))))
        measure(Stage(installed, desk, admin), options.tries, options.only or list(HAPPENINGS), options.upgrades)


if __name__ == "__main__":
    main(sys.argv[1:])
