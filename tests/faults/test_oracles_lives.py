"""The judge says nothing of the product in random lives, in which users, faults and crashes do what they like.

An oracle that always says something is worth nothing. Lives in memory, each judged as a whole when it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from faults.oracles import judge
from faults.recorded import OWN, RecordingServer
from faults.run import Run
from lives import memory
from lives.memory import MemoryWorld
from lives.steps import live
from lives.test_in_memory import LivesInMemory
from lives.witnessed_server import WitnessedServer
from unit.reconcile.ports_memory import MemoryWorkspaces
from unit.reconcile.samples import KEY

STEPS = 300
STEPS_OF_A_LIFE = 25


class BothServers(WitnessedServer, RecordingServer):
    """Tells the witness, and writes down with the time of the moment."""

    def _record(self, resource: str, namespace: str, name: str, found: Mapping[str, Any] | None) -> None:
        super()._record(resource, namespace, name, found)
        if hasattr(self, "now"):  # the key ring is older
            self.times[self.revisions[-1].version] = self.now


class RecordedWorld(MemoryWorld):
    """Remembers when all was at rest, and all worlds that there were."""

    server: BothServers

    def __init__(self) -> None:
        self.rests: list[int] = []
        super().__init__()
        WORLDS.append(self)

    def settle(self, most_writes: int | None = None) -> None:
        """End a step."""
        super().settle(most_writes)
        self.rests.append(self.server.revisions[-1].version)

    def change_target(self, name: str, target: str, becomes: str) -> None:
        """Leave it: targets are no part of a run."""

    def hide_targets(self, *, hidden: bool) -> None:
        """Leave them, for the same reason."""

    def jump(self, time: timedelta) -> None:
        """Leave the clock: with it, times say nothing to anybody."""

    def told(self) -> Run:
        """Return what has happened."""
        return Run(
            namespace=KEY.namespace,
            own=OWN,
            revisions=tuple(self.server.revisions),
            by_users=frozenset(self.server.by_users),
            wanted={},
            kek_of=MemoryWorkspaces(self.server).keks.get,
            rests=tuple(self.rests),
            times=self.server.times,
        )


WORLDS: list[RecordedWorld] = []


def test_nothing_is_said_of_random_lives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WitnessedServer", BothServers)
    WORLDS.clear()
    machine = type("LivesOfThisTest", (LivesInMemory,), {"begin": RecordedWorld, "steps_taken": 0})
    live(machine, STEPS, seed, steps_of_a_life=STEPS_OF_A_LIFE, shorten=False)

    runs = [world.told() for world in WORLDS]
    print(f"{sum(len(run.revisions) for run in runs)} revisions in {len(runs)} lives")
    assert [(violation, len(run.revisions)) for run in runs for violation in judge(run)] == []
    assert sum(len(run.revisions) for run in runs) > STEPS
