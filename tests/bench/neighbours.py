"""How long credentials of one workspace wait while another one is full of costly work. No figure decides anything.

    make bench-neighbours ARGS='--flood poison --count 256'

The flood is RSA-4096 keys to be made, or files to be imported that take as much of a processor as a file can.
Meanwhile a second workspace creates one credential after another, first with generated keys, then with imported ones.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from bench.cost import cost_of
from bench.stage import control_plane, percentile, working_operator
from bench.writer import ED25519, Writer, all_at_once, writer
from cluster.poison import PASSPHRASE, poisoned_files
from controlplane.plane import ControlPlane
from operators.process import OperatorProcess
from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.keys.generate import generate

RSA: Final = {"generate": {"algorithm": "RSA", "bits": 4096}}


def imported(secret: str) -> dict[str, Any]:
    """Return a spec that takes the key from a Secret."""
    reference = {"secretName": secret, "key": "ssh-privatekey"}
    return {"importFrom": {"privateKey": reference, "passphrase": {**reference, "key": "passphrase"}}}


async def flood(to: Writer, kind: str, count: int) -> None:
    """Fill a workspace with costly work."""
    names = [f"flood-{number}" for number in range(count)]
    files = poisoned_files() if kind == "poison" else []

    async def create(namespace: str, name: str) -> None:
        if files:
            poison = files[int(name.removeprefix("flood-")) % len(files)]
            await to.secret(namespace, name, {"ssh-privatekey": poison.file, "passphrase": PASSPHRASE})
        await to.credential(namespace, name, imported(name) if files else RSA)

    await all_at_once(create, "flooded", names)


async def waits_of(to: Writer, spec: dict[str, Any], word: str, count: int) -> list[float]:
    """Create one credential after another in the other workspace; return how long each took to be Ready."""
    seen: AsyncIterator[tuple[str, float]] = to.watch_ready("quiet")
    waits = []
    for number in range(count):
        begun = time.monotonic()
        await to.credential("quiet", f"{word}-{number}", spec)
        async for name, moment in seen:
            if name == f"{word}-{number}":
                waits.append(moment - begun)
                break
    return waits


async def measure(plane: ControlPlane, operator: OperatorProcess, kind: str, count: int, singles: int) -> None:
    """Measure alone, then beside the flood, and print the table."""
    pair = generate(Algorithm.ED25519, 256, "neighbour")
    async with writer(plane) as to:
        await to.secret("quiet", "brought", {"ssh-privatekey": pair.private.reveal(), "passphrase": b""})
        print("| workspace beside it | credential | p50 ms | p99 ms | worst ms | operator and children MiB |")
        print("|---|---|---|---|---|---|")
        for beside in ("idle", kind):
            if beside != "idle":
                await flood(to, kind, count)
            for word, spec in (("generated", ED25519), ("imported", imported("brought"))):
                waits = [1000 * wait for wait in await waits_of(to, spec, f"{word}-beside-{beside}", singles)]
                cells = [percentile(waits, 50), percentile(waits, 99), max(waits), cost_of(operator.pid).resident]
                print(f"| {beside} | {word} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Start a control plane of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flood", choices=("rsa", "poison"), default="rsa")
    parser.add_argument("--count", type=int, default=200, help="credentials of the flood (default 200)")
    parser.add_argument("--singles", type=int, default=100, help="credentials of each kind beside it (default 100)")
    options = parser.parse_args(arguments)
    with control_plane() as (plane, folder), working_operator(plane, folder, ["flooded", "quiet"]) as operator:
        asyncio.run(measure(plane, operator, options.flood, options.count, options.singles))


if __name__ == "__main__":
    main(sys.argv[1:])
