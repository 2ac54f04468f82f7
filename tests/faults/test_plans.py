"""A sample of the plans of `make faults`, of every kind, on one control plane; and all that once found something.

Which plans, the seed decides. What is wrong is said with the plan's id: `make faults ARGS="--plan ID"` repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from controlplane.fixtures import EMBEDDED
from faults.campaign import learn, run_all
from faults.performance import Result
from faults.plan import Plan
from faults.plans import ELECTED, drawn, every_plan, undisturbed
from faults.stage import Stage, stage

SAMPLE: Final = {
    "crash": 10,
    "answer": 8,
    "broken": 6,
    "event": 5,
    "pair": 4,
    "two": 3,
    "elected": 3,
    "clock": 2,
    "misuse": 10,
}
"""How many plans of each kind run here."""
REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")


class Prepared(NamedTuple):
    """A stage, and the plans that follow from what the undisturbed runs have shown on it."""

    stage: Stage
    plans: Mapping[str, Sequence[Plan]]
    undisturbed: Sequence[Result]


@pytest.fixture(scope="module")
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seed: int) -> Iterator[Prepared]:
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("reads the history of a control plane of its own: only with --cluster=embedded")
    with stage(tmp_path_factory.mktemp("faults")) as made:
        learned, results = learn(made, ())
        yield Prepared(made, every_plan(learned, seed), results)


def test_undisturbed_every_operation_comes_to_what_is_wanted(prepared: Prepared) -> None:
    assert {result.plan for result in prepared.undisturbed} == {plan.id for plan in undisturbed()}
    assert wrong_in(prepared.undisturbed) == []
    assert all(result.seen for result in prepared.undisturbed)


@pytest.mark.parametrize("kind", SAMPLE)
def test_no_plan_breaks_an_invariant(prepared: Prepared, seed: int, kind: str) -> None:
    plans = drawn({kind: prepared.plans[kind]}, SAMPLE[kind], seed)
    results = performed(prepared.stage, plans)
    print(f"{kind}: {sum(result.struck for result in results)} of {sum(result.planned for result in results)} struck")
    assert len(results) == SAMPLE[kind]
    assert wrong_in(results) == []
    assert kind in {"misuse", "clock"} or any(result.struck for result in results)


def test_what_once_was_wrong_stays_right(prepared: Prepared) -> None:
    lines = REGRESSIONS.read_text().splitlines()
    plans = [Plan.of(line) for line in lines if line and not line.startswith("#")]
    assert wrong_in(performed(prepared.stage, plans)) == []


def performed(stage: Stage, plans: Sequence[Plan]) -> list[Result]:
    results: list[Result] = []
    run_all(stage, plans, results.append)
    return results


def wrong_in(results: Sequence[Result]) -> list[str]:
    return [f"{result.plan}: {oracle}: {text}" for result in results for oracle, text in result.violations]


def test_who_can_lead_is_drawn_for_elections(prepared: Prepared) -> None:
    assert {plan.operation for plan in prepared.plans["elected"]} == set(ELECTED)
