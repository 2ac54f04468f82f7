"""The judge catches planted bugs in real operators on a real API server, and says nothing of the product itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import pytest

from controlplane.fixtures import EMBEDDED
from faults.planted import PLANTED
from faults.planted_proof import plans, proof_of, said_of_the_product, table
from faults.stage import Stage, stage

SAMPLE: Final = 8


@pytest.fixture(scope="module")
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("reads the history of a control plane of its own: only with --cluster=embedded")
    with stage(tmp_path_factory.mktemp("planted")) as made:
        yield made


def test_a_sample_of_planted_bugs_is_caught_and_the_product_is_found_well_by_the_same_plans(
    staged: Stage, rng: random.Random
) -> None:
    sample = [PLANTED[name] for name in rng.sample(sorted(PLANTED), SAMPLE)]
    proofs = [proof_of(staged, bug) for bug in sample]
    print(*table(proofs), sep="\n")
    assert [(one.bug.name, one.said) for one in proofs if not one.is_caught] == []
    for plan in dict.fromkeys(bug.plan for bug in sample[: SAMPLE // 2]):
        assert (plan, said_of_the_product(staged, plan)) == (plan, [])


@pytest.mark.campaign
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(staged: Stage, name: str) -> None:
    proof = proof_of(staged, PLANTED[name])
    print(*table([proof]), sep="\n")
    assert proof.is_caught, proof.said


@pytest.mark.campaign
@pytest.mark.parametrize("plan", plans())
def test_nothing_is_said_of_the_product_by(staged: Stage, plan: str) -> None:
    assert said_of_the_product(staged, plan) == []
