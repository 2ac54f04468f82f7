"""Random lives of credentials on a real API server, with the real operator, which is killed now and then."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.ordeal import ordeal
from controlplane.fixtures import EMBEDDED
from lives.choices import Spec
from lives.on_cluster import ClusterWorld
from lives.seals import SEALED
from lives.steps import Lives, live

UNSEALED = "Ed25519"
STEPS = 300
STEPS_OF_A_LIFE = 25


class LivesOnCluster(Lives):
    """Sealed keys live in memory; here there are fewer steps, and most of those keys would end a life early."""

    def source(self, name: str, which: str) -> Spec:
        return super().source(name, UNSEALED if which in SEALED else which)


def test_no_life_on_a_real_api_server_breaks_an_invariant(
    request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("reads the history of a control plane of its own: only with --cluster=embedded")
    with ordeal(tmp_path, seed, proxied=False) as made:
        world = ClusterWorld(made, tmp_path)
        machine = type("LivesOfThisTest", (LivesOnCluster,), {"begin": world.begin})
        live(machine, STEPS, seed, steps_of_a_life=STEPS_OF_A_LIFE, shorten=False)
    assert len(world.witness.fingerprints) > 10, "these lives were too quiet to show anything"
