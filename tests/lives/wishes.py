"""What users want of two credentials: one change of a spec after the other, at random. Used by `steps`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

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
from lives.seals import SEALED
from lives.witness import shown_in
from lives.world import World
from sshcredential_operator.api.names import SECRET_TYPE

ANY_SOURCE: Final = st.sampled_from([*sorted(SOURCES) * 8, *SEALED])
"""Most sealed ones stop a life until somebody changes them, and only generated keys are new ones."""


class Wishes(RuleBasedStateMachine):
    """Two credentials in a world, and every change of a spec."""

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

    def source(self, name: str, which: str) -> Spec:
        """Return a source, and that there is no other."""
        chosen = {"sealed": self.world.sealed(name, which)} if which in SEALED else source_of(name, which)
        return {"generate": None, "importFrom": None, "sealed": None, **chosen}

    def target(self, name: str, which: int) -> str | None:
        """Return a fingerprint for rollbackTo: one of those that are shown, or were ever stored, or none."""
        seen = self.world.witness.seen[name]
        shown = list(shown_in(seen.credential.status)) if seen.credential else []
        stored = [key.fingerprint for key in seen.record.keys] if seen.record else []
        known = [*stored[:-1], *shown, *self.world.witness.fingerprints, UNKNOWN, None]
        return known[which % len(known)]

    @initialize(source=ANY_SOURCE, rotation=ROTATIONS)
    def first(self, source: str, rotation: Spec) -> None:
        for name in self.copies:
            self.world.put_input(input_of(name), BROUGHT["a key"])
        self.create("hpc-login", source, rotation, {}, back=False)

    @rule(name=NAMES, source=ANY_SOURCE, rotation=ROTATIONS, deletion=DELETIONS, back=st.booleans())
    def create(self, name: str, source: str, rotation: Spec, deletion: Spec, back: bool) -> None:
        if name in self.specs:
            return
        given = {**self.source(name, source), "rotation": {k: v for k, v in {"serial": 0, **rotation}.items() if v}}
        spec = {member: value for member, value in {**given, **deletion}.items() if value is not None}
        if "generate" not in spec:
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

    @rule(name=NAMES, source=ANY_SOURCE)
    def change_source(self, name: str, source: str) -> None:
        name = self.living(name)
        change = self.source(name, source)
        if not change["generate"]:
            change["rotation"] = self.rotation(name, every=None)
        if self.edited(name, change):
            self.settle(most_writes=3)

    @rule(name=NAMES, deletion=DELETIONS)
    def change_deletion(self, name: str, deletion: Spec) -> None:
        name = self.living(name)
        if self.edited(name, deletion):
            self.settle(most_writes=3)

    @rule(name=NAMES, source=ANY_SOURCE, by=RAISES, which=WHICH, deletion=DELETIONS)
    def change_much_at_once(self, name: str, source: str, by: int, which: int, deletion: Spec) -> None:
        name = self.living(name)
        serial = max(0, self.specs.get(name, {}).get("rotation", {}).get("serial", 0) + by)
        rotation = self.rotation(name, serial=serial, rollbackTo=self.target(name, which), every=None)
        if self.edited(name, {**self.source(name, source), **deletion, "rotation": rotation}):
            self.settle(most_writes=5)  # a policy, a withdrawal, a key, a way back, and the status
