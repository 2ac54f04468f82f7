"""How long one process takes to try many SSHTargets, and what that costs. No figure decides anything.

    make bench-targets ARGS='--targets 500 --servers 50'

Real sshds on the loopback, with MaxStartups as shipped; targets of several namespaces, some of which have their key
installed into a real account (as root only). All are there when the process of targets starts, and none was tried.
Repeat with: make bench-targets.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self

from bench.cost import cost_of
from bench.stage import OPERATOR_NAMESPACE, control_plane, working_operator
from cluster.desk import Desk, desk_in
from cluster.rights import grant_targets_cluster, grant_targets_operator_namespace, grant_targets_workspace
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from ssh.accounts import Account, account
from ssh.servers import ADDRESS, Sshd, running
from sshcredential_operator.api.names import API_VERSION, TARGET_KIND

NAMESPACES: Final = [f"genomics-{number}" for number in range(4)]
CREDENTIAL: Final = "login"
USER: Final = "targets"
METRIC: Final = "sshcredential_operator_target_visits_running"
PATIENCE: Final = 600


class Look:
    """Looks all the time at how many visits run at once, and at the memory."""

    def __init__(self, process: OperatorProcess) -> None:
        self.most = 0
        self._process, self._over = process, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.most = max(self.most, int(self._process.metric(METRIC)))


@contextmanager
def servers(folder: Path, count: int) -> Iterator[list[tuple[Sshd, Account | None]]]:
    """Run so many sshds, each with an account of its own if that can be."""
    with ExitStack() as until_the_end:
        made: list[tuple[Sshd, Account | None]] = []
        for number in range(count):
            place = folder / f"sshd-{number}"
            person = until_the_end.enter_context(account()) if os.geteuid() == 0 else None
            keys = f"{place / 'authorized_keys'} .ssh/authorized_keys"
            settings = {"AuthorizedKeysFile": keys, "Subsystem": "sftp internal-sftp"}
            made.append((until_the_end.enter_context(running(place, settings)), person))
        yield made


def body(name: str, server: Sshd, person: Account | None) -> dict[str, Any]:
    """Return a target; with an account, its key is to be installed there."""
    spec = {
        "credentialRef": {"name": CREDENTIAL},
        "host": ADDRESS,
        "port": server.port,
        "username": person.name if person else server.user,
        "hostKeys": {"policy": "Pinned", "keys": list(server.host_keys)},
        "authorizedKey": {"manage": "Install" if person else "None"},
    }
    return {"apiVersion": API_VERSION, "kind": TARGET_KIND, "metadata": {"name": name}, "spec": spec}


def most_at_once(doors: Sequence[tuple[Sshd, Account | None]]) -> int:
    """Return how many logins the fullest server has seen."""
    return max(len(server.accepted()) for server, _ in doors)


def ready(plane: ControlPlane) -> Counter[str]:
    """Count the targets by reason of Ready."""
    path = "{range .items[*]}{.status.conditions[?(@.type=='Ready')].reason}{'\\n'}{end}"
    told = plane.kubectl("get", "sshtargets", "-A", "-o", f"jsonpath={path}").stdout
    return Counter(told.split())


def peak_of(pid: int) -> float:
    """Return the most memory that a process ever held, in MiB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def measure(plane: ControlPlane, folder: Path, count: int, sshds: int) -> None:
    """Set it up, measure and print."""
    with ExitStack() as until_the_end:
        until_the_end.enter_context(working_operator(plane, folder, NAMESPACES))
        doors = until_the_end.enter_context(servers(folder, sshds))
        for namespace in NAMESPACES:
            grant_targets_workspace(plane, namespace, USER)
            desk = until_the_end.enter_context(desk_in(plane, namespace))
            let_in(desk, doors)
        grant_targets_operator_namespace(plane, OPERATOR_NAMESPACE, USER)
        grant_targets_cluster(plane, USER)
        installed = make_targets(plane, doors, count)
        mark = plane.audit_mark()
        began = time.monotonic()
        process = until_the_end.enter_context(targets_process(plane, folder))
        with Look(process) as look:
            process.wait_until_ready()
            since = time.monotonic()
            wait_until(lambda: tried(process) >= count, f"{count} targets were tried", PATIENCE)
            took, started = time.monotonic() - since, since - began
        wait_until(lambda: ready(plane)["LoggedIn"] == count, f"{count} statuses say LoggedIn", 60)
        asked = Counter(
            f"{event.verb} {event.resource}{'/' if event.subresource else ''}{event.subresource}"
            for event in plane.audit_events(mark)
            if event.user == USER and event.verb != "watch" and event.stage == "ResponseComplete"
        )
        cost = cost_of(process.pid)
        print(f"{count} targets, {installed} of them with manage Install, {sshds} sshds, {len(NAMESPACES)} namespaces")
        print(f"start of the process: {started:.1f} s; all were tried after another {took:.1f} s")
        print(f"most visits at once: {look.most}; most logins at one server: {most_at_once(doors)}")
        print(f"memory: peak {peak_of(process.pid):.0f} MiB, afterwards {cost.resident:.0f}; CPU {cost.cpu:.0f} s")
        for what, times in asked.most_common():
            print(f"  {what}: {times} ({times / count:.2f} for each target)")


def let_in(desk: Desk, doors: Sequence[tuple[Sshd, Account | None]]) -> None:
    """Make a credential that every server lets in, and every account."""
    desk.create(CREDENTIAL, {"generate": {}})
    public_key = desk.until(CREDENTIAL, "Available")["status"]["publicKey"]
    for server, person in doors:
        server.let_in(public_key)
        if person:
            person.holds(server.authorized_keys.read_text())


def make_targets(plane: ControlPlane, doors: Sequence[tuple[Sshd, Account | None]], count: int) -> int:
    """Make the targets; return how many are to be installed: one for each account."""
    bodies = []
    for number in range(count):
        server, person = doors[number % len(doors)]
        own = person if number < len(doors) else None
        bodies.append((NAMESPACES[(number // 3) % len(NAMESPACES)], body(f"target-{number}", server, own)))
    for namespace in NAMESPACES:
        items = [one for where, one in bodies if where == namespace]
        listed = {"apiVersion": "v1", "kind": "List", "items": items}
        plane.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(listed))
    return sum(one["spec"]["authorizedKey"]["manage"] == "Install" for _, one in bodies)


def targets_process(plane: ControlPlane, folder: Path) -> OperatorProcess:
    """Start it as an installation does."""
    return OperatorProcess(
        plane.kubeconfig_for(USER),
        folder / "targets.log",
        operator_namespace=OPERATOR_NAMESPACE,
        workspaces=NAMESPACES,
        options=["--allow-destination", "127.0.0.0/8"],
        process="targets",
    )


def tried(process: OperatorProcess) -> int:
    """How many targets log in, as the process itself tells."""
    pattern = r'^sshcredential_operator_targets\{[^}]*reason="LoggedIn"[^}]*\} (\S+)$'
    found = re.findall(pattern, process.get("/metrics")[1], re.MULTILINE)
    return int(sum(map(float, found)))


def main() -> None:
    """Start a control plane of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=500)
    parser.add_argument("--servers", type=int, default=50)
    options = parser.parse_args()
    with control_plane() as (plane, folder):
        measure(plane, folder, options.targets, options.servers)


if __name__ == "__main__":
    main()
