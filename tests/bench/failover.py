"""How long work waits when the leader is killed, frozen, cut off or stopped. No figure decides anything.

    make bench-failover ARGS='--tries 10'

Replicas are processes of this machine; bench/failover_node.py does the same with pods.
Each try comes at a random moment between two renewals. A credential is created at once, and the time is taken until it
is Ready. Then the old leader comes back and stands by.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from cluster.replicas import USERS, Replica, Replicas, replicas
from cluster.shown import generated
from controlplane.clusters import install
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.forwarder import Forwarder
from sshcredential_operator.controller.leader import RENEW_SECONDS


class Stage:
    """Two replicas, each behind a cable of its own."""

    def __init__(self, installed: Replicas, folder: Path, until_the_end: ExitStack) -> None:
        self.installed = installed
        self.cables = {user: until_the_end.enter_context(Forwarder(installed.plane.server)) for user in USERS}
        plane = installed.plane
        self._ways = {user: cable.kubeconfig(plane.kubeconfig_for(user), folder) for user, cable in self.cables.items()}
        self.pair = {user: self.start(user) for user in USERS}

    def start(self, user: str) -> Replica:
        """Start a replica."""
        return self.installed.start(user, kubeconfig=self._ways[user])

    def roles(self) -> tuple[Replica, Replica]:
        """Return the leader and the standby when there is one of each."""
        first, second = self.pair.values()

        def settled() -> bool:
            return {first.leads(), second.leads()} == {first.stands_by(), second.stands_by()} == {True, False}

        wait_until(settled, "one leads and one stands by", 60)
        return (first, second) if first.leads() else (second, first)

    def signal(self, replica: Replica, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(replica.process.pid, number)

    def restart(self, replica: Replica) -> None:
        """Start what has ended."""
        replica.process.stop()
        self.pair[replica.user] = self.start(replica.user)


class Happening(NamedTuple):
    """What becomes of the leader, and how it comes back."""

    begin: Callable[[Stage, Replica], None]
    end: Callable[[Stage, Replica], None]


HAPPENINGS: Final = {
    "killed": Happening(lambda _, leader: leader.process.kill(), Stage.restart),
    "frozen": Happening(
        lambda stage, leader: stage.signal(leader, signal.SIGSTOP),
        lambda stage, leader: stage.signal(leader, signal.SIGCONT),
    ),
    "cut off": Happening(
        lambda stage, leader: stage.cables[leader.user].cut(), lambda stage, leader: stage.cables[leader.user].heal()
    ),
    "stopped": Happening(lambda stage, leader: stage.signal(leader, signal.SIGTERM), Stage.restart),
}


class Try(NamedTuple):
    """Seconds until the other replica led, and until a credential created at once was Ready."""

    led: float
    ready: float


def one_try(stage: Stage, happening: Happening, name: str) -> Try:
    """Let it happen once."""
    leader, standby = stage.roles()
    time.sleep(random.uniform(0, RENEW_SECONDS))
    begun = time.monotonic()
    happening.begin(stage, leader)
    try:
        stage.installed.desk.create(name, generated())
        wait_until(standby.leads, "the standby leads", 60)
        led = time.monotonic() - begun
        stage.installed.until_ready([name])
        return Try(led, time.monotonic() - begun)
    finally:
        happening.end(stage, leader)


def heading() -> str:
    """Return the head of the table."""
    return (
        "| the leader is | tries | another leads: p50 s | worst s | a new credential is Ready: p50 s | worst s |\n"
        "|---|---|---|---|---|---|"
    )


def row(kind: str, results: Sequence[Try]) -> str:
    """Return the table's row of what happened so often."""
    cells = [kind, str(len(results))]
    for seconds in zip(*results, strict=True):
        cells += [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"]
    return "| " + " | ".join(cells) + " |"


def measure(stage: Stage, tries: int, kinds: Sequence[str]) -> None:
    """Try everything and print the table."""
    print(heading())
    for kind in kinds:
        name = kind.replace(" ", "-")
        results = [one_try(stage, HAPPENINGS[kind], f"{name}-{number}") for number in range(tries)]
        print(row(kind, results), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Start a control plane of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=10, help="how often each (default 10)")
    parser.add_argument("--only", choices=HAPPENINGS, action="append", help="may be repeated; default: all")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sshcredential-failover-") as name, ExitStack() as until_the_end:
        folder = Path(name)
        plane = until_the_end.enter_context(ControlPlane(folder / "data"))
        install(plane)
        namespaces = Namespaces(plane.kubeconfig_for("admin"))
        until_the_end.callback(namespaces.close)
        installed = until_the_end.enter_context(replicas(plane, namespaces, folder))
        measure(Stage(installed, folder, until_the_end), options.tries, options.only or list(HAPPENINGS))


if __name__ == "__main__":
    main(sys.argv[1:])
