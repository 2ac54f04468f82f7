"""`make soak`: create, rotate and delete at a steady rate, and see that memory is flat and nothing drifts.

    make soak                                                    30 minutes, 5 operations per second
    make soak ARGS='--minutes 2 --output dist/soak'              does everything work?

A control plane and an operator of its own. Every ten seconds a sample is taken; every status is watched all the time.
At the end everything must be as it was asked for, and a quiet minute must pass without a write. Memory and times are
only reported; drift ends with exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.asked import without_leases, writes
from bench.machine import look
from bench.measuring import place_of
from bench.run import REPORT
from bench.soak_report import memory_verdict, write_report
from bench.soak_run import WORKSPACES, Sizes, Soak
from bench.soak_samples import Requests
from bench.stage import OPERATOR_NAMESPACE, USER, Stage, control_plane
from bench.writer import writer
from cluster.desk import Desk, desk_in
from cluster.opened import kek_of
from controlplane.plane import ControlPlane
from sshcredential_operator.encryption.envelope import Kek


def soak(plane: ControlPlane, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Run a soak on a control plane of its own, and return its figures."""
    stage = Stage(plane, folder)
    stage.namespaces(*WORKSPACES)
    machine = look()
    with ExitStack() as until_the_end:
        operator = until_the_end.enter_context(stage.operator(WORKSPACES))
        ring, *desks = (until_the_end.enter_context(desk_in(plane, one)) for one in (OPERATOR_NAMESPACE, *WORKSPACES))
        run = Soak(operator, sizes, Requests(plane, USER), partial(_keys, ring, desks))

        async def all_of_it() -> dict[str, Any]:
            async with writer(plane) as to:
                return await run.run(to)

        figures = asyncio.run(all_of_it())
        errors = [entry for entry in operator.entries() if entry.get("level", "").upper() in {"ERROR", "CRITICAL"}]
    figures["errors"] = len(errors)
    figures["drift"] += [f"the operator logged an error: {entry['message']}" for entry in errors[:20]]
    if written := writes(figures["quiet"]["requests"]):
        said = without_leases(figures["quiet"]["requests"])
        figures["drift"].append(f"{written} writes when all was quiet: {said}")
    figures |= {"machine": machine, "load after": look()["load"], "operators": place_of(stage)}
    return figures | {"per second": sizes.per_second}


def _keys(ring: Desk, desks: Sequence[Desk]) -> dict[str, Kek]:
    return {desk.namespace: kek_of(desk.namespace_uid(), ring) for desk in desks}


def main(arguments: Sequence[str]) -> int:
    """Run it, write figures and report, and return 1 if anything has drifted."""
    options = _parser().parse_args(arguments)
    values = {name: value for name, value in vars(options).items() if name != "output"}
    with control_plane() as (plane, folder):
        figures = soak(plane, folder, Sizes(**values))
    figures["command"] = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in values.items())
    write(figures, options.output)
    print(memory_verdict(figures["samples"]))
    print("\n".join(figures["drift"]) or "No drift.")
    print(f"report: {options.output / 'soak.md'}")
    return 1 if figures["drift"] else 0


def write(figures: Mapping[str, Any], output: Path) -> None:
    """Write the figures, and the report that is made of nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    text = orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS)
    (output / "soak.json").write_bytes(text)
    write_report(orjson.loads(text), output)


def positive(text: str) -> float:
    """Return a number above 0."""
    if not float(text) > 0:
        raise ValueError
    return float(text)


def at_least_one(text: str) -> int:
    """Return a whole number of 1 or more."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Sizes()
    parser.add_argument("--minutes", type=positive, default=usual.minutes)
    parser.add_argument("--per-second", type=positive, default=usual.per_second, help="operations")
    parser.add_argument("--population", type=at_least_one, default=usual.population, help="about so many credentials")
    parser.add_argument("--overlap", type=int, default=usual.overlap, help="seconds that a previous key stays at most")
    parser.add_argument("--every", type=positive, default=usual.every, help="seconds from sample to sample")
    parser.add_argument("--quiet", type=float, default=usual.quiet, help="seconds in which nothing may be written")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--output", type=Path, default=REPORT, help="a folder; default: docs/performance")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
