"""`make fuzz`: run targets for as long as asked, print what each came to, keep what was found as files.

`make fuzz ARGS="--seconds 60 --target envelope --seed 7"`; without a seed it takes one and prints it.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import Final

from fuzz.engine import Run, failure, run
from fuzz.target import Target
from fuzz.targets.catalogue import TARGETS
from fuzz.targets.keys import end_pool

FINDINGS: Final = Path(__file__).resolve().parents[2] / ".fuzz"


def main() -> int:
    """Return 1 where something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="for each target")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be repeated; default: all")
    parser.add_argument("--seed", type=int, help="the same seed makes the same changes to the seeds")
    parser.add_argument("--input", type=Path, help="check this one file, and show the whole error")
    parser.add_argument("--outcomes", action="store_true", help="list how often each came out")
    asked = parser.parse_args()
    chosen = [TARGETS[name] for name in asked.target or TARGETS]
    if asked.input:
        return _checked(chosen[0], asked.input) if len(chosen) == 1 else parser.error("--input needs one --target")
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}, {asked.seconds:g} s for each target")
    found = 0
    for target in chosen:
        done = run(target, seed, seconds=asked.seconds)
        _tell(target, done, outcomes=asked.outcomes)
        found += len(done.findings)
    end_pool()
    return 1 if found else 0


def _tell(target: Target, done: Run, *, outcomes: bool) -> None:
    print(
        f"{target.name:20} {done.executions:9} executions, {len(done.outcomes):4} outcomes, "
        f"slowest {done.slowest * 1000:6.0f} ms, {len(done.findings)} findings",
        flush=True,
    )
    for finding in done.findings:
        file = FINDINGS / target.name / finding.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(finding.data)
        print(f"    {finding.error}\n    {file}")
    for outcome, count in sorted(done.outcomes.items()) if outcomes else ():
        print(f"    {count:9} {outcome}")


def _checked(target: Target, file: Path) -> int:
    error, outcome = failure(target, file.read_bytes())
    if error is None:
        print(f"holds: {outcome}")
        return 0
    print(error)
    target.check(file.read_bytes())
    return 1


if __name__ == "__main__":
    sys.exit(main())
