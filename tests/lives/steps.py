"""Two credentials and all that users, faults and the clock do to them, one random step after another.

Start here. Hypothesis draws the steps and shortens a sequence that fails (`choices` holds what it draws from). Where it
happens is a `world`: `memory`, or `on_cluster` with a real API server and the real operator. Either tells a `witness` of
every revision ever written (`revisions`), which asks `licences`, the model, whether anybody had asked for it. After each
step `rest` says what has to be so. None of them knows how the product decides.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lives.choices import (
    BROUGHT,
    DELETIONS,
    LIVING,
    NAMES,
    RAISES,
    ROTATIONS,
    SOURCES,
    UNKNOWN,
    WHICH,
    Spec,
    input_of,
    source_of,
)
from lives.witness import shown_in
from lives.world import World
from sshcredential_operator.api.names import SECRET_TYPE


class Lives(RuleBasedStateMachine):
    """The steps that need no more than users and an operator that may be killed."""

    begin: ClassVar[Callable[[], World]]
    steps_taken: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).begin()
        self.specs: dict[str, Spec] = {}
        self.last_specs: dict[str, Spec] = {}
        self.copies: dict[str, list[dict[str, bytes]]] = {name: [] for name in LIVING}

    def settle(self, most_writes: int | None = None) -> None:
        """End a step."""
        type(self).steps_taken += 1
        self.world.settle(most_writes)
        for name, copies in self.copies.items():
            found = self.world.secret(name)
            if found and found.type == SECRET_TYPE and dict(found.data) not in copies:
                copies.append(dict(found.data))

    def living(self, name: str) -> str:
        """Return this name, or the other one where only that credential is there."""
        return name if name in self.specs or not self.specs else next(iter(self.specs))

    def edited(self, name: str, change: Mapping[str, Any]) -> bool:
        """Change members of a spec that is there; None takes one away. Say whether it was there."""
        if name not in self.specs:
            return False
        spec = copy.deepcopy(self.specs[name])
        for member, value in change.items():
            if value is None:
                spec.pop(member, None)
            else:
                spec[member] = value
        self.specs[name] = spec
        self.world.put(name, spec)
        return True

    def rotation(self, name: str, **changes: Any) -> Spec:
        """Return the rotation of a spec with other members."""
        rotation = {**self.specs.get(name, {}).get("rotation", {"serial": 0}), **changes}
        return {member: value for member, value in rotation.items() if value is not None}

    def target(self, name: str, which: int) -> str | None:
        """Return a fingerprint for rollbackTo: one of those that are shown, or were ever stored, or none."""
        seen = self.world.witness.seen[name]
        shown = list(shown_in(seen.credential.status)) if seen.credential else []
        stored = [key.fingerprint for key in seen.record.keys] if seen.record else []
        known = [*stored[:-1], *shown, *self.world.witness.fingerprints, UNKNOWN, None]
        return known[which % len(known)]

    # --- specs

    @initialize(source=st.sampled_from(sorted(SOURCES)), rotation=ROTATIONS)
    def first(self, source: str, rotation: Spec) -> None:
        for name in self.copies:
            self.world.put_input(input_of(name), BROUGHT["a key"])
        self.create("hpc-login", source, rotation, {}, back=False)

    @rule(
        name=NAMES, source=st.sampled_from(sorted(SOURCES)), rotation=ROTATIONS, deletion=DELETIONS, back=st.booleans()
    )
    def create(self, name: str, source: str, rotation: Spec, deletion: Spec, back: bool) -> None:
        if name in self.specs:
            return
        given = {**source_of(name, source), "rotation": {k: v for k, v in {"serial": 0, **rotation}.items() if v}}
        spec = {member: value for member, value in {**given, **deletion}.items() if value is not None}
        if "importFrom" in spec:
            spec["rotation"].pop("every", None)
        self.specs[name] = self.last_specs.get(name, spec) if back else spec
        self.world.put(name, self.specs[name])
        self.settle()

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        name = self.living(name)
        if name in self.specs:
            self.last_specs[name] = self.specs.pop(name)
            self.world.delete(name)
            self.settle()

    @rule(name=NAMES, by=RAISES)
    def change_serial(self, name: str, by: int) -> None:
        name = self.living(name)
        serial = max(0, self.specs.get(name, {}).get("rotation", {}).get("serial", 0) + by)
        if self.edited(name, {"rotation": self.rotation(name, serial=serial)}):
            self.settle(most_writes=3)

    @rule(name=NAMES, rotation=ROTATIONS)
    def change_times(self, name: str, rotation: Spec) -> None:
        name = self.living(name)
        if self.edited(name, {"rotation": self.rotation(name, **self._allowed(name, rotation))}):
            self.settle(most_writes=3)

    def _allowed(self, name: str, rotation: Spec) -> Spec:
        return rotation if "generate" in self.specs.get(name, {}) else {**rotation, "every": None}

    @rule(name=NAMES, which=WHICH, twice=st.booleans())
    def roll_back(self, name: str, which: int, twice: bool) -> None:
        name = self.living(name)
        target = self.target(name, which)
        if twice and self.edited(name, {"rotation": self.rotation(name, rollbackTo=None)}):
            self.settle(most_writes=3)
        if self.edited(name, {"rotation": self.rotation(name, rollbackTo=target)}):
            self.settle(most_writes=3)

    @rule(name=NAMES, suspend=st.booleans())
    def suspend(self, name: str, suspend: bool) -> None:
        name = self.living(name)
        if self.edited(name, {"suspend": suspend}):
            self.settle()

    @rule(name=NAMES, source=st.sampled_from(sorted(SOURCES)))
    def change_source(self, name: str, source: str) -> None:
        name = self.living(name)
        change = source_of(name, source)
        if change["importFrom"]:
            change["rotation"] = self.rotation(name, every=None)
        if self.edited(name, change):
            self.settle(most_writes=3)

    @rule(name=NAMES, deletion=DELETIONS)
    def change_deletion(self, name: str, deletion: Spec) -> None:
        name = self.living(name)
        if self.edited(name, deletion):
            self.settle(most_writes=3)

    @rule(name=NAMES, source=st.sampled_from(sorted(SOURCES)), by=RAISES, which=WHICH, deletion=DELETIONS)
    def change_much_at_once(self, name: str, source: str, by: int, which: int, deletion: Spec) -> None:
        name = self.living(name)
        serial = max(0, self.specs.get(name, {}).get("rotation", {}).get("serial", 0) + by)
        rotation = self.rotation(name, serial=serial, rollbackTo=self.target(name, which), every=None)
        if self.edited(name, {**source_of(name, source), **deletion, "rotation": rotation}):
            self.settle(most_writes=4)

    # --- inputs, Secrets and statuses

    @rule(name=NAMES, what=st.sampled_from(sorted(BROUGHT)))
    def bring(self, name: str, what: str) -> None:
        self.world.put_input(input_of(name), BROUGHT[what])
        self.settle()

    @rule(name=NAMES)
    def lose_the_secret(self, name: str) -> None:
        name = self.living(name)
        self.world.remove_secret(name)
        self.settle()

    @rule(name=NAMES, whose=NAMES, which=WHICH, lost=st.booleans())
    def put_a_copy_back(self, name: str, whose: str, which: int, lost: bool) -> None:
        name = self.living(name)
        copies = self.copies[whose][::-1]  # the latest is the simplest
        if not copies:
            return
        if lost:
            self.world.remove_secret(name)
            self.settle()
        self.world.put_secret(name, SECRET_TYPE, copies[which % len(copies)])
        self.settle()

    @rule(name=NAMES)
    def occupy_the_name(self, name: str) -> None:
        if self.world.secret(name) is None and name in self.specs:
            return  # only Secrets of the operator's type are watched: it hears of this one when it looks again
        self.world.put_secret(name, "Opaque", {"theirs": b"1"})
        self.settle()

    @rule(name=NAMES, which=WHICH, how=st.sampled_from(["flip", "drop", "add", "mark", "swap"]))
    def tamper(self, name: str, which: int, how: str) -> None:
        name = self.living(name)
        found = self.world.secret(name)
        if found is None or found.type != SECRET_TYPE:
            return
        data, mark = dict(found.data), found.orphaned_since
        member = sorted(data)[which % len(data)] if data else None
        if how == "mark":
            mark = "2020-01-01T00:00:00Z" if which % 2 else "someday"
        elif member is None or how == "add":
            data["note"] = b"to myself"
        elif how == "flip":
            value = data[member]
            data[member] = value[: which * 7] + b"A" + value[which * 7 + 1 :]
        elif how == "drop":
            del data[member]
        else:
            other = sorted(data)[(which + 1) % len(data)]
            data[member], data[other] = data[other], data[member]
        self.world.change_secret(name, data, mark)
        self.settle()

    @rule(name=NAMES, how=st.sampled_from(["empty", "number", "identity", "key", "others", "conditions", "serial"]))
    def write_a_status(self, name: str, how: str) -> None:
        name = self.living(name)
        if name not in self.specs:
            return
        status = self.world.status(name)
        number = status.get("keyNumber", 0)
        forged: dict[str, Mapping[str, Any]] = {
            "empty": dict.fromkeys(status),
            "number": {"keyNumber": number + 1},
            "identity": {"credentialId": "0" * 32},
            "key": {"fingerprint": UNKNOWN, "publicKey": "ssh-ed25519 AAAA eve@home"},
            "others": {"next": None, "previous": None, "rotatesAt": None},
            "conditions": {"conditions": [], "observedGeneration": 0},
            "serial": {"rotationSerial": 7},
        }
        written = {**status, **forged[how]}
        self.world.write_status(name, {member: value for member, value in written.items() if value is not None})
        self.settle()

    # --- the operator

    @rule()
    def kill_the_operator(self) -> None:
        self.world.restart()
        self.settle()


def live(machine: Any, steps: int, seed: int, *, steps_of_a_life: int, shorten: bool) -> None:
    """Take that many steps at least, in lives that each begin anew; a life that fails may be shortened to what matters.

    `machine` is a class of `Lives` that nobody else uses.
    """
    phases = [Phase.generate, Phase.shrink] if shorten else [Phase.generate]
    chosen = settings(
        stateful_step_count=steps_of_a_life,
        phases=phases,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    while (left := steps - machine.steps_taken) > 0:
        some = settings(chosen, max_examples=1 + left // steps_of_a_life)
        run_state_machine_as_test(seeded(f"{seed}/{left}")(machine), settings=some)
    print(f"{machine.steps_taken} steps with seed {seed}")
