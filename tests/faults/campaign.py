"""Runs many plans, a few at a time, and keeps what came of each in a file: a campaign that was broken off goes on.

Used by `__main__` and by the sample in the suite.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from faults.performance import Result, perform, signatures
from faults.plan import Plan
from faults.plans import Learned, undisturbed
from faults.signatures import Signature
from faults.stage import Stage

AT_ONCE: Final = 4


class Kept:
    """A file with one line of JSON for each plan that was run."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        self.results: dict[str, Result] = {one.plan: one for one in (Result(**json.loads(line)) for line in lines)}

    def add(self, result: Result) -> None:
        """Keep one more."""
        with self._lock:
            self.results[result.plan] = result
            with self.path.open("a") as file:
                file.write(json.dumps(result.as_json()) + "\n")


def learn(stage: Stage, known: Iterable[Result], at_once: int = AT_ONCE) -> tuple[Learned, list[Result]]:
    """Run every operation undisturbed that is not among the known results, and return what all have shown.

    The new results come as well.
    """
    results = {result.plan: result for result in known if result.seen}
    fresh: list[Result] = []
    run_all(stage, [plan for plan in undisturbed() if plan.id not in results], fresh.append, at_once)
    learned: dict[str, list[Signature]] = {}
    for result in [*results.values(), *fresh]:
        plan = Plan.of(result.plan)
        if not plan.strikes and not plan.wall:
            name = plan.operation if plan.cast == "one" else f"{plan.operation}/{plan.cast}"
            learned[name] = signatures(result)
    return learned, fresh


def run_all(
    stage: Stage,
    plans: Iterable[Plan],
    take: Callable[[Result], object],
    at_once: int = AT_ONCE,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Run plans, so many at a time, until all are run or it is over."""

    def one(plan: Plan) -> None:
        if not over():
            take(_performed(stage, plan))

    with ThreadPoolExecutor(at_once, "plan") as performing:
        for done in [performing.submit(one, plan) for plan in plans]:
            done.result()


def _performed(stage: Stage, plan: Plan) -> Result:
    begun = time.monotonic()
    try:
        return perform(stage, plan)
    except Exception as error:  # noqa: BLE001 - one plan that the harness cannot run must not end the others
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return Result(plan.id, len(plan.strikes), 0, 0, 0, time.monotonic() - begun, None, [["harness", said]])
