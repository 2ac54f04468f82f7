"""Random lives of credentials on a server in memory, with faults at any request and a clock that jumps.

The pass, the store and the keys are the product's own; the API server, the timers and the clock are not. `make
campaign` takes ten times as many steps; `ARGS=--seed=7` repeats a run.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from lives.choices import JUMPS, NAMES, RAISES, WHICH, WHILES
from lives.memory import MemoryWorld
from lives.steps import Lives, live
from lives.wishes import ANY_SOURCE

REQUESTS = st.integers(0, 7)
TARGETS = st.sampled_from(["closed", "open", "open", "gone", "gone"])


class LivesInMemory(Lives):
    """The steps that only this world can take."""

    begin = MemoryWorld
    world: MemoryWorld

    @rule(time=WHILES)
    def wait(self, time: timedelta) -> None:
        self.world.elapse(time)
        self.settle()

    @rule(time=JUMPS)
    def set_the_clock(self, time: timedelta) -> None:
        self.world.jump(time)
        self.settle()

    @rule(name=NAMES, by=RAISES, request=REQUESTS, after=st.booleans(), crash=st.booleans(), time=WHILES)
    def fail(self, name: str, by: int, request: int, after: bool, crash: bool, time: timedelta) -> None:
        """A request fails while a serial is answered and time goes by."""
        self.world.disturb(request, after=after, crash=crash)
        self.change_serial(name, by)
        self.world.disturb(request, after=after, crash=crash)
        self.world.elapse(time)
        self.settle()

    @rule(name=NAMES, where=st.sampled_from(["gateway", "login"]), becomes=TARGETS, time=WHILES)
    def change_a_target(self, name: str, where: str, becomes: str, time: timedelta) -> None:
        """A target comes, lets keys in, or goes; and time goes by."""
        name = self.living(name)
        self.world.change_target(name, where, becomes)
        self.settle(most_writes=3)
        self.world.elapse(time)
        self.settle()

    @rule(name=NAMES, by=RAISES, time=WHILES, forced=st.booleans(), becomes=TARGETS)
    def rotate_through_a_target(self, name: str, by: int, time: timedelta, forced: bool, becomes: str) -> None:
        """A key is asked for while a target lets nobody in; later that changes."""
        name = self.living(name)
        self.world.change_target(name, "login", "closed")
        self.settle(most_writes=3)
        self.change_serial(name, by)
        self.world.elapse(time)
        if forced:
            self.force_a_promotion(name, 1)
        self.world.change_target(name, "login", becomes)
        self.settle(most_writes=3)

    @rule(hidden=st.booleans())
    def hide_targets(self, hidden: bool) -> None:
        self.world.hide_targets(hidden=hidden)
        self.settle()

    @rule(name=NAMES, which=WHICH)
    def force_a_promotion(self, name: str, which: int) -> None:
        name = self.living(name)
        seen = self.world.witness.seen[name].credential
        staged = seen.status.next if seen else None
        self.world.force_promotion(name, staged.fingerprint if staged and which % 3 else self.target(name, which))
        self.settle(most_writes=3)

    @rule(
        which=st.sampled_from(["older", "newest", "retired", "unknown"]),
        becomes=st.sampled_from(["there", "there", "lost", "retired"]),
    )
    def change_a_sealing_key(self, which: str, becomes: str) -> None:
        self.world.change_sealing_key(which, becomes)
        self.settle()

    @rule(name=NAMES, source=ANY_SOURCE, request=REQUESTS, after=st.booleans(), then=ANY_SOURCE)
    def crash_between_sources(self, name: str, source: str, request: int, after: bool, then: str) -> None:
        """The operator dies while it answers another source, and there is yet another when it comes back."""
        name = self.living(name)
        self.world.disturb(request, after=after, crash=True)
        self.world.meanwhile(request + after, lambda: self._change(name, then))
        self._change(name, source)
        self.settle()

    def _change(self, name: str, source: str) -> None:
        self.edited(name, {**self.source(name, source), "rotation": self.rotation(name, every=None)})

    @rule(name=NAMES, time=WHILES, passes=st.integers(1, 3), source=ANY_SOURCE)
    def come_back_unseen(self, name: str, time: timedelta, passes: int, source: str) -> None:
        """A credential is deleted and comes back; its key's time is over before the watch tells of that."""
        name = self.living(name)
        if name in self.specs:
            self.world.delete(name)
            self.settle()
            change = {**self.source(name, source), "rotation": self.rotation(name, every=None)}
            self.specs[name] = {k: v for k, v in {**self.specs[name], **change}.items() if v is not None}
            self.world.lag(passes)
            self.world.put(name, self.specs[name])
            self.world.elapse(time)
            self.settle()

    @rule(name=NAMES, by=RAISES, request=REQUESTS)
    def two_operators(self, name: str, by: int, request: int) -> None:
        name = self.living(name)
        self.world.meanwhile(request, lambda: self.world.another_pass(name))
        self.change_serial(name, by)

    @rule(name=NAMES, by=RAISES, request=REQUESTS, suspend=st.booleans())
    def edit_meanwhile(self, name: str, by: int, request: int, suspend: bool) -> None:
        name = self.living(name)

        def edit() -> None:
            self.edited(name, {"suspend": suspend})

        self.world.meanwhile(request, edit)
        self.change_serial(name, by)


def test_no_life_breaks_an_invariant(seed: int) -> None:
    lives_in_memory(2_000, seed)


@pytest.mark.campaign
def test_no_life_of_many_breaks_an_invariant(seed: int) -> None:
    lives_in_memory(20_000, seed)


def lives_in_memory(steps: int, seed: int) -> None:
    machine = type("LivesOfThisTest", (LivesInMemory,), {"steps_taken": 0})
    live(machine, steps, seed, steps_of_a_life=50, shorten=True)
