"""How long a person waits for `sshcred`: `make bench-cli`. Its help, and the list of 5,000 credentials.

The control plane is one of its own; the credentials have a status as the operator writes it, and no operator runs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench.stage import control_plane
from bench.writer import all_at_once, writer
from controlplane.plane import ControlPlane

SSHCRED: Final = Path(sys.executable).with_name("sshcred")
NAMESPACE: Final = "genomics"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--credentials", type=int, default=5000)
    parser.add_argument("--tries", type=int, default=7)
    asked = parser.parse_args()
    told("sshcred --help", [seconds({}, "--help") for _ in range(asked.tries)])
    with control_plane() as (plane, _):
        plane.kubectl("create", "namespace", NAMESPACE)
        asyncio.run(fill(plane, asked.credentials))
        cluster = {"KUBECONFIG": str(plane.kubeconfig_for("admin"))}
        tries = [seconds(cluster, "list", "-n", NAMESPACE, lines=asked.credentials + 1) for _ in range(asked.tries)]
        told(f"sshcred list of {asked.credentials} credentials", tries)


async def fill(plane: ControlPlane, count: int) -> None:
    """Make that many credentials with a status."""
    async with writer(plane) as writes:
        await all_at_once(writes.floor, NAMESPACE, (f"credential-{number}" for number in range(count)))


def seconds(environment: dict[str, str], *arguments: str, lines: int | None = None) -> float:
    """Return how long it took; it must have printed that many lines."""
    begin = time.monotonic()
    done = subprocess.run(
        [SSHCRED, *arguments], capture_output=True, check=True, env={**os.environ, **environment}, text=True
    )
    passed = time.monotonic() - begin
    if lines is not None and len(done.stdout.splitlines()) != lines:
        raise SystemExit(f"{len(done.stdout.splitlines())} lines instead of {lines}")
    return passed


def told(what: str, found: list[float]) -> None:
    """Print median and range."""
    print(
        f"{what}: median {statistics.median(found):.2f} s, {min(found):.2f} to {max(found):.2f} s, {len(found)} tries"
    )


if __name__ == "__main__":
    main()
