"""`make faults`: run a campaign of plans, or one plan by its id, and say what came of it."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from controlplane.places import CHECKOUT
from faults.campaign import AT_ONCE, Kept, learn, run_all
from faults.operations import OPERATIONS
from faults.performance import Result, operation_in, perform
from faults.phases import PHASES
from faults.plan import Plan
from faults.plans import drawn, every_plan
from faults.planted import PLANTED
from faults.planted_proof import prove_all
from faults.report import report
from faults.stage import Stage, stage

KEPT: Final = CHECKOUT / ".faults"


def main() -> int:
    """Do what the arguments say; 1 if anything was violated."""
    options = _options()
    if options.report:
        return tell_of(result for file in sorted(KEPT.glob("seed-*.jsonl")) for result in Kept(file).results.values())
    with (
        tempfile.TemporaryDirectory(prefix="sshcredential-faults-") as folder,
        stage(Path(folder), options.bug) as made,
    ):
        if options.planted:
            return prove_all(made)
        if options.plan:
            results = [perform(made, plan) for plan in options.plan]
            for result in results:
                tell(result)
            return int(any(result.violations for result in results))
        kept = campaign(made, options)
    return tell_of(kept.results.values(), KEPT / f"seed-{options.seed}.md")


def campaign(made: Stage, options: argparse.Namespace) -> Kept:
    """Run the plans of a seed that have not run yet, until all have or the time is over."""
    kept = Kept(KEPT / f"seed-{options.seed}.jsonl")
    print(f"seed: {options.seed}; results: {kept.path}", flush=True)
    learned, undisturbed = learn(made, kept.results.values(), options.at_once)
    for result in undisturbed:
        take(kept, result)
    plans = drawn(every_plan(learned, options.seed), options.count, options.seed)
    left = [plan for plan in plans if plan.id not in kept.results]
    print(f"{len(plans)} plans, {len(plans) - len(left)} of them ran before", flush=True)
    ends = time.monotonic() + options.minutes * 60
    run_all(made, left, lambda result: take(kept, result), options.at_once, lambda: time.monotonic() > ends)
    return kept


def tell_of(results: Iterable[Result], file: Path | None = None) -> int:
    """Report results, into a file as well; 1 if anything was violated."""
    told = list(results)
    text = report([one.as_json() for one in told])
    if file:
        file.write_text(text)
    print(text)
    return int(any(one.violations for one in told))


def take(kept: Kept, result: Result) -> None:
    """Keep a result, and say it where something was violated."""
    kept.add(result)
    if result.violations:
        tell(result)


def tell(result: Result) -> None:
    """Print a result."""
    print(f"{result.plan}: {result.struck} of {result.planned} struck, {result.seconds} s", flush=True)
    for oracle, text in result.violations:
        print(f"  {oracle}: {text}", flush=True)


def plan_of(text: str) -> Plan:
    """Return the plan of an id, as reports show it."""
    try:
        plan = Plan.of(text)
        operation_in(plan)
        if all(strike.phase in PHASES for strike in plan.strikes):
            return plan
    except (LookupError, ValueError):
        pass
    said = f"no plan has the id {text}: it is OPERATION~CAST~REQUEST/PHASE, as a report shows it"
    raise argparse.ArgumentTypeError(f"{said}; operations: {', '.join(sorted(OPERATIONS))}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--plan", type=plan_of, action="append", help="run only this plan, by its id; may be repeated")
    parser.add_argument("--count", type=int, default=1500, help="how many plans (default: 1500)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="which plans, of all there are")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no plan after so many minutes")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many plans run at a time")
    parser.add_argument("--planted", action="store_true", help="prove of every planted bug that it is caught")
    parser.add_argument("--report", action="store_true", help="run nothing: report all that is kept, of all seeds")
    parser.add_argument(
        "--bug", choices=sorted(PLANTED), default="", metavar="NAME", help="run operators with this planted bug"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
