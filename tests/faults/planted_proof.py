"""Proves on a stage that the judge catches planted bugs, and that it says nothing where none was planted.

Used by `test_planted` and by the campaign, which puts the table into its report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from faults import scene
from faults.performance import perform
from faults.plan import Plan
from faults.planted import PLANTED, PlantedBug
from faults.stage import Stage

PATIENCE: Final = 10.0
"""Seconds in which a bug may still come to what is wanted; those that never do need not be waited for as long as the
product is."""


class Proof(NamedTuple):
    """What the judge has said of a bug, and of the same plan without it."""

    bug: PlantedBug
    said: tuple[tuple[str, str], ...]
    """Oracles with what they saw."""

    @property
    def oracles(self) -> list[str]:
        """Who said something."""
        return sorted({oracle for oracle, _ in self.said})

    @property
    def is_caught(self) -> bool:
        """Whether those have that were to."""
        return self.bug.caught_by <= {oracle for oracle, _ in self.said}


def proof_of(stage: Stage, bug: PlantedBug) -> Proof:
    """Run a bug's plan with operators that have it."""
    with _impatient(), _planted(stage, bug.name):
        result = perform(stage, Plan.of(bug.plan))
    return Proof(bug, tuple((oracle, text) for oracle, text in result.violations))


def said_of_the_product(stage: Stage, plan: str) -> list[list[str]]:
    """Return what the judge says of operators that have no bug."""
    return perform(stage, Plan.of(plan)).violations


def table(proofs: Iterable[Proof]) -> Iterator[str]:
    """Yield the lines of a table in Markdown: for each bug, who has caught it."""
    yield "| bug | what it does | shown by | caught by |"
    yield "|---|---|---|---|"
    for one in proofs:
        by = ", ".join(one.oracles) if one.is_caught else f"**missed** ({', '.join(one.oracles)})"
        yield f"| {one.bug.name} | {one.bug.says} | `{one.bug.plan}` | {by} |"


def plans() -> list[str]:
    """Return the plans of all bugs, each once."""
    return list(dict.fromkeys(bug.plan for bug in PLANTED.values()))


def prove_all(stage: Stage) -> int:
    """Prove it of all bugs, and that nothing is said of the product; print a table. 1 if that cannot be proved."""
    proofs: list[Proof] = []

    def proved() -> Iterator[Proof]:
        for bug in PLANTED.values():
            proofs.append(proof_of(stage, bug))
            yield proofs[-1]

    for line in table(proved()):
        print(line, flush=True)
    missed = [proof for proof in proofs if not proof.is_caught]
    alarms = [(plan, said) for plan in plans() if (said := said_of_the_product(stage, plan))]
    print(f"{len(proofs) - len(missed)} of {len(proofs)} caught")
    print(f"{len(alarms)} of {len(plans())} plans say something of the product without a bug")
    for proof in missed:
        print(f"{proof.bug.name}: {proof.said}")
    for plan, said in alarms:
        print(f"{plan}: {said}")
    return int(bool(missed or alarms))


@contextmanager
def _planted(stage: Stage, bug: str) -> Iterator[None]:
    stage._zygote._bug = bug
    try:
        yield
    finally:
        stage._zygote._bug = ""


@contextmanager
def _impatient() -> Iterator[None]:
    before = scene.PATIENCE
    scene.PATIENCE = PATIENCE  # type: ignore[misc]  # who waits for what never comes
    scene.Scene.until_level.__defaults__ = (PATIENCE,)
    scene.Scene.until.__defaults__ = (PATIENCE,)
    try:
        yield
    finally:
        scene.PATIENCE = before  # type: ignore[misc]  # as before
        scene.Scene.until_level.__defaults__ = (before,)
        scene.Scene.until.__defaults__ = (before,)
