"""Two credentials and all that users, faults and the clock do to them, one random step after another.

Start here. Hypothesis draws the steps and shortens a sequence that fails: `wishes` are changes of specs, below is what
else happens, and `choices` holds what is drawn from. Where it happens is a `world`: in `memory`, or `on_cluster` with a
real API server and the real operator. Either tells a `witness` of every revision ever written (`revisions`), which asks
the model, `licences`, whether anybody had asked for it. After each step `rest` says what has to be so. None of them
knows how the product decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from lives.choices import BROUGHT, NAMES, ROTATIONS, UNKNOWN, WHICH, Spec, input_of
from lives.wishes import ANY_SOURCE, Wishes
from sshcredential_operator.api.names import SECRET_TYPE


class Lives(Wishes):
    """The steps that need no more than users and an operator that may be killed."""

    @rule(name=NAMES, what=st.sampled_from(sorted(BROUGHT)))
    def bring(self, name: str, what: str) -> None:
        self.world.put_input(input_of(name), BROUGHT[what])
        self.settle()

    @rule(name=NAMES, brought=st.booleans())
    def lose_the_secret(self, name: str, brought: bool) -> None:
        """The Secret is gone, and what the first key came from may be there again."""
        name = self.living(name)
        if brought:
            self.world.put_input(input_of(name), BROUGHT["a key"])
        self.world.remove_secret(name)
        self.settle()

    @rule(name=NAMES, source=ANY_SOURCE, rotation=ROTATIONS)
    def rotate_or_begin_anew(self, name: str, source: str, rotation: Spec) -> None:
        """What is stalled is given up, key and all: too many lives would end there."""
        name = self.living(name)
        if self.world.witness.seen[name].level:
            self.change_serial(name, 1)
        elif name in self.specs:
            self.world.remove_secret(name)
            self.delete(name)
            self.world.remove_secret(name)
            self.create(name, source, rotation, {}, back=False)

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
