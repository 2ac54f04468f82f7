"""What an installation costs on a node: time, image, a pod's start, its memory. No figure decides anything.

    make bench-installation ARGS='--tries 5'

Times of a start begin with the process of the container, as the kernel tells it. It has all lists when its log says so;
it is Ready when a watcher is told so, which is after the next probe.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import os
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from kubernetes import client, config

from chart.rendering import NAMESPACE
from cluster.shown import generated
from node import cgroups
from node.installation import WORKSPACES, Installation
from node.node import Node
from node.operator_image import OperatorImage, operator_image

TICKS: Final = os.sysconf("SC_CLK_TCK")
MIB: Final = 1 << 20
LISTED: Final = "listed"
LISTS: Final = 3 * len(WORKSPACES)
"""Credentials, exports and Secrets of each workspace."""


class Start(NamedTuple):
    """Seconds from the start of the process until it had all lists, and until a watcher saw it Ready."""

    listed: float
    ready: float


class Memory(NamedTuple):
    """MiB of a container: what its cgroup is charged with, and the resident and proportional sets of its processes."""

    charged: float
    resident: float
    proportional: float


def compressed(image: OperatorImage) -> int:
    """Return the bytes of the image's layers as a registry keeps them."""
    with tarfile.open(image.archive) as archive:
        [manifest] = json.loads(_content(archive, "manifest.json"))
        return sum(len(gzip.compress(_content(archive, layer), 6)) for layer in manifest["Layers"])


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    assert found is not None
    return found.read()


def install(installation: Installation) -> float:
    """Install, where CRDs and keys of an earlier time are perhaps, and return how long it took."""
    if installation.exists():
        installation.uninstall()
    began = time.monotonic()
    installation.install()
    return time.monotonic() - began


def replace_standby(installation: Installation) -> Start:
    """Delete the pod that stands by, and look at the start of the one that comes in its place."""
    standby = installation.standby()
    known = set(installation.until_ready())
    kubeconfig = str(installation.node.kubeconfig_for("admin"))
    with config.new_client_from_config(kubeconfig) as connection:
        core: Any = client.CoreV1Api(connection)
        since = json.loads(core.list_namespaced_pod(NAMESPACE, _preload_content=False).data)["metadata"]
        core.delete_namespaced_pod(standby, NAMESPACE, _preload_content=False)
        options = {"watch": True, "resource_version": since["resourceVersion"], "timeout_seconds": 120}
        for event in map(json.loads, core.list_namespaced_pod(NAMESPACE, _preload_content=False, **options)):
            name, status = event["object"]["metadata"]["name"], event["object"]["status"]
            conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
            if name not in known and conditions.get("Ready") == "True":
                began = started(installation.node.processes_of(NAMESPACE, name)[0].pid)
                return Start(all_listed(installation, name) - began, time.time() - began)
    raise SystemExit("no pod came in the place of the one that was deleted")


def started(pid: int) -> float:
    """Return when a process began, by the wall clock."""
    after_the_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    since_boot = int(after_the_name[19]) / TICKS
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


def all_listed(installation: Installation, pod: str) -> float:
    """Return when a pod had all its lists, by the wall clock."""
    entries = [json.loads(line) for line in installation.log(pod).splitlines()]
    moments = [entry["time"] for entry in entries if entry["message"] == LISTED]
    return dt.datetime.fromisoformat(moments[LISTS - 1]).timestamp()


def memory(installation: Installation, pod: str) -> Memory:
    """Look at a pod's container."""
    pids = [process.pid for process in installation.node.processes_of(NAMESPACE, pod)]
    sets = [dict(_sizes(Path(f"/proc/{pid}/smaps_rollup").read_text())) for pid in pids]
    return Memory(
        charged_to(pids[0]) / MIB,
        sum(one["Rss"] for one in sets) / 1024,
        sum(one["Pss"] for one in sets) / 1024,
    )


def _sizes(rollup: str) -> Iterator[tuple[str, int]]:
    for line in rollup.splitlines()[1:]:
        name, _, size = line.partition(":")
        yield name, int(size.split()[0])


def charged_to(pid: int) -> int:
    """Return the bytes that the memory cgroup of a process holds, in either version of cgroups."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for root in cgroups.roots(cgroups.MOUNTS.read_text()):
            for name in ("memory.current", "memory.usage_in_bytes"):
                file = root / path.lstrip("/") / name
                if controllers in {"", "memory"} and file.exists():
                    return int(file.read_text())
    return 0


def row(what: str, unit: str, figures: Sequence[float]) -> None:
    """Print one line of the table."""
    cells = (what, unit, len(figures), f"{statistics.median(figures):.1f}", f"{max(figures):.1f}")
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def measure(installation: Installation, tries: int, credentials: int) -> None:
    """Measure everything and print the table."""
    print("| what | unit | tries | median | worst |\n|---|---|---|---|---|")
    row("image, compressed", "MB", [compressed(installation.image) / 1e6])
    row("helm install --wait, two replicas", "s", [install(installation) for _ in range(tries)])
    starts = [replace_standby(installation) for _ in range(tries)]
    row("start of a pod: all is listed", "s", [start.listed for start in starts])
    row("start of a pod: a watcher sees it Ready", "s", [start.ready for start in starts])
    remember(installation, "at rest, no credentials", tries)
    names = [f"measured-{number}" for number in range(credentials)]
    with installation.desk() as desk:
        desk.apply({name: generated() for name in names})
        desk.wait_for_ready(names)
    remember(installation, f"after {credentials} credentials", tries)


def remember(installation: Installation, when: str, tries: int) -> None:
    """Print what leader and standby hold."""
    for role, pod in (("leader", installation.leader()), ("standby", installation.standby())):
        seen = []
        for _ in range(tries):
            seen.append(memory(installation, pod))
            time.sleep(1)
        for name, figures in zip(Memory._fields, zip(*seen, strict=True), strict=True):
            row(f"memory of the {role}, {name}, {when}", "MiB", figures)


def main(arguments: Sequence[str]) -> None:
    """Start a node of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=5, help="how often each (default 5)")
    parser.add_argument("--credentials", type=int, default=200, help="for the second look at memory (default 200)")
    options = parser.parse_args(arguments)
    image = operator_image()
    with tempfile.TemporaryDirectory(prefix="sshcredential-installation-") as name, Node(Path(name) / "node") as node:
        measure(Installation(node, image, Path(name)).prepare(), options.tries, options.credentials)


if __name__ == "__main__":
    main(sys.argv[1:])
