"""A cluster in memory as a world: the server, one operator that may die, and a clock that may jump.

The operator looks at a credential only when a watch, a timer or a failure gives it reason to, as the queue does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from lives.rest import is_right
from lives.seals import SEALED, sealed_source
from lives.witness import shown_in
from lives.witnessed_server import WitnessedServer
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, CredentialKey, credential_of_secret
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.work_queue import TIMER_MOST
from sshcredential_operator.reconcile.observed import Door, RawSecret, Targets, Unseen
from sshcredential_operator.reconcile.one_pass import LOOKS_AGAIN, reconcile
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.operator_memory import Crashed, Operator, unavailable
from unit.reconcile.samples import KEY, NOW
from unit.reconcile.sealing_desk import FIRST, SECOND, DeskKey
from unit.reconcile.server_memory import SecretObject

MOST_PASSES: Final = 40
"""More than any change needs, faults in between included."""
RARER: Final = 60
"""What looks again every minute does so every hour here: a week of minutes would take minutes."""
SEALING_KEYS: Final = {"older": FIRST, "newest": SECOND, "retired": DeskKey(3), "unknown": DeskKey(4)}
Answer = TypeVar("Answer")


@cache
def _sealed_once(name: str, which: str) -> dict[str, Any]:
    return sealed_source(SEALED[which], KEY.namespace, name, SEALING_KEYS)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what a coroutine comes to that never waits, as all of them here."""
    try:
        work.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    raise AssertionError("it waits")


class MemoryWorld:
    """What users do, and the operator's passes that follow."""

    def __init__(self) -> None:
        self.server = WitnessedServer()
        self.server.now = NOW
        self.witness = self.server.witness
        self._timers: dict[CredentialKey, datetime] = {}
        self._failures: dict[CredentialKey, int] = {}
        self._pending: set[CredentialKey] = set()
        self._leapt = False
        self._silent = 0
        self._sealing_keys = {"older", "newest"}
        self._retired = {"retired"}
        self._start()

    @property
    def now(self) -> datetime:
        """The wall clock."""
        return self.server.now

    # --- users

    def put(self, name: str, spec: Mapping[str, Any]) -> None:
        """Create a credential or change its spec."""
        self.server.apply(copy.deepcopy(dict(spec)), _key(name))

    def delete(self, name: str) -> None:
        """Delete a credential."""
        self.server.remove(_key(name))

    def write_status(self, name: str, status: Mapping[str, Any]) -> None:
        """Replace a status by something."""
        self.server.write_status(copy.deepcopy(dict(status)), _key(name))

    def status(self, name: str) -> dict[str, Any]:
        """Return a status as it is."""
        return copy.deepcopy(self.server.status(_key(name)))

    def secret(self, name: str) -> RawSecret | None:
        """Return the Secret of a credential."""
        found = self.server.secrets.get((KEY.namespace, _key(name).secret_name))
        return found.raw() if found else None

    def put_secret(self, name: str, type_: str, data: Mapping[str, bytes]) -> None:
        """Make a Secret under the name of a credential's; one that is there is deleted first."""
        self.remove_secret(name)
        self.server.put_secret(_key(name).secret_name, data, type_)
        self._wake(_key(name).secret_name)

    def change_secret(self, name: str, data: Mapping[str, bytes], orphaned_since: str | None) -> None:
        """Change values and the mark of a credential's Secret."""

        def change(secret: SecretObject) -> None:
            secret.data = dict(data)
            secret.annotations = {ORPHANED_SINCE_ANNOTATION: orphaned_since} if orphaned_since else {}

        self.server.change_secret(change, _key(name).secret_name)
        self._wake(_key(name).secret_name)

    def remove_secret(self, name: str) -> None:
        """Delete a credential's Secret, if it is there."""
        if (KEY.namespace, _key(name).secret_name) in self.server.secrets:
            self.server.remove_secret(_key(name).secret_name)
            self._wake(_key(name).secret_name)

    def put_input(self, name: str, data: Mapping[str, bytes] | None) -> None:
        """Bring a key in a Secret, or take the Secret away."""
        if data is not None:
            self.server.put_secret(name, data)
        elif (KEY.namespace, name) in self.server.secrets:
            self.server.remove_secret(name)
        self._wake(name)

    def sealed(self, name: str, which: str) -> dict[str, Any]:
        """Return spec.sealed with a key; the same text each time."""
        return copy.deepcopy(_sealed_once(name, which))

    def change_sealing_key(self, which: str, becomes: str) -> None:
        """Let a sealing key be there, be lost or be retired."""
        self._sealing_keys.discard(which)
        self._retired.discard(which)
        if becomes != "lost":
            (self._sealing_keys if becomes == "there" else self._retired).add(which)
        self._tell_sealing_keys(self.operator)
        self._pending |= {_key(name) for name in self.witness.seen}

    def _tell_sealing_keys(self, operator: Operator) -> None:
        operator.sealing.halves = {SEALING_KEYS[which].kid: SEALING_KEYS[which].private for which in self._sealing_keys}
        operator.sealing.retired = {SEALING_KEYS[which].kid for which in self._retired}

    def change_target(self, name: str, target: str, becomes: str) -> None:
        """Let a target of a credential be there and let nobody in, let in the keys that are shown now, or be gone."""
        seen = self.witness.seen[name]
        if becomes == "gone":
            seen.doors.pop(target, None)
        elif becomes == "closed":
            seen.doors[target] = frozenset()
        elif target in seen.doors and seen.credential:
            seen.doors[target] = frozenset(shown_in(seen.credential.status))
        self._pending.add(_key(name))

    def hide_targets(self, *, hidden: bool) -> None:
        """Let nobody know which targets there are, or let them be known again."""
        for name, seen in self.witness.seen.items():
            seen.doors_are_known = not hidden
            self._pending.add(_key(name))

    def force_promotion(self, name: str, fingerprint: str | None) -> None:
        """Say that no target is waited for, for one key."""
        if _key(name) in self.server.credentials:
            self.server.annotate(fingerprint, _key(name))

    def _targets(self, key: CredentialKey) -> Targets | Unseen:
        seen = self.witness.seen[key.name]
        doors = tuple(Door(name, let_in) for name, let_in in sorted(seen.doors.items()))
        return Targets(doors) if seen.doors_are_known else Unseen.NOT_LISTED

    # --- the operator and its clock

    def restart(self) -> None:
        """End the operator and start another, which knows nothing but what it lists."""
        self._start()

    def elapse(self, time: timedelta) -> None:
        """Let time go by; every timer wakes the operator at its moment."""
        until = self.now + time
        while self._timers and (first := min(self._timers.values())) <= until:
            self._set_clock(max(first, self.now))
            self._pending |= {key for key, due in self._timers.items() if due <= self.now}
            self._timers = {key: due for key, due in self._timers.items() if due > self.now}
            self.settle()
        self._set_clock(until)
        self._leapt = False
        if time.total_seconds() >= TIMER_MOST:
            self._look_at_timers()

    def jump(self, time: timedelta) -> None:
        """Set the wall clock. Timers do not notice, but no timer is longer than an hour."""
        self._set_clock(self.now + time)
        self._leapt = True
        if time < timedelta(0):  # what was told to be over is not; that may wait until somebody looks
            self._pending |= {_key(name) for name in self.witness.seen}
        self._look_at_timers()

    def lag(self, passes: int) -> None:
        """Let the watches tell nothing during the next passes."""
        self._silent = passes

    def disturb(self, request: int, *, after: bool, crash: bool) -> None:
        """Let one of the next requests fail, before it is served or only its answer; or let the operator die there."""
        fault: Any = Crashed() if crash else unavailable()
        faults: dict[int, Any] = self.server.fault_after if after else self.server.fault_before
        faults[len(self.server.asked) + request] = fault

    def meanwhile(self, request: int, doing: Callable[[], None]) -> None:
        """Do something just before one of the next requests is served."""

        async def do() -> None:
            doing()

        self.server.meanwhile[len(self.server.asked) + request] = do

    def another_pass(self, name: str) -> None:
        """Let a second operator make a pass that has just listed."""
        replica = self._operator()
        with suppress(TroubleError):
            run(reconcile(_key(name), replica.world))

    def settle(self, most_writes: int | None = None) -> None:
        """Make passes until nobody asks for another; then everything has to be right."""
        self._passes()
        for name, seen in self.witness.seen.items():
            bound = None if self._leapt or not seen.level else most_writes
            assert bound is None or seen.writes <= bound, f"I14: {seen.writes} writes for {name}"
        self.server.fault_before.clear()
        self.server.fault_after.clear()
        self.server.meanwhile.clear()
        for seen in self.witness.seen.values():
            is_right(seen, self.now, self.witness.left, leapt=self._leapt)
        self.witness.at_rest()
        if not self._leapt:
            self._stays_at_rest()

    def _stays_at_rest(self) -> None:
        # Whatever makes it look again: it has nothing to do, now that nothing has happened.
        writes = len(self.server.writes)
        self._pending |= {_key(name) for name in self.witness.seen}
        self._passes()
        assert self.server.writes[writes:] == [], "I14: it writes at rest"

    def _passes(self) -> None:
        for _ in range(MOST_PASSES):
            if self._pending and self._silent:
                self._silent -= 1
            else:
                self._silent = 0
                self._pending |= self.operator.catch_up()
            if not self._pending:
                return
            key = min(self._pending)
            self._pending.discard(key)
            try:
                self._one_pass(key)
            except TroubleError:
                self._failures[key] = self._failures.get(key, 0) + 1
                self._pending.add(key)
            except Crashed:
                self._start()
        msg = f"I4: no rest after {MOST_PASSES} passes"
        raise AssertionError(msg)

    def _one_pass(self, key: CredentialKey) -> None:
        watched = self.operator.inputs.watched.get(key, frozenset())
        self.witness.pass_begins()
        outcome = run(reconcile(key, self.operator.world, self._failures.get(key, 0)))
        if self.operator.inputs.watched.get(key, frozenset()) - watched:  # a watch begins with what is there
            self._pending.add(key)
        if outcome.retry:
            self._failures[key] = self._failures.get(key, 0) + (outcome.retry_after != 0)
            self._pending.add(key)
        else:
            self._failures.pop(key, None)
        if outcome.due_in is not None:
            assert outcome.due_in > 0, "a pass without end"
            polls = isinstance(outcome.reason, Reason) and LOOKS_AGAIN.get(outcome.reason) == outcome.due_in
            due = self.now + timedelta(seconds=outcome.due_in * (RARER if polls else 1))
            self._timers[key] = min(due, self._timers.get(key, due))

    def _operator(self) -> Operator:
        operator = Operator(self.server)
        operator.world = replace(operator.world, now=lambda: self.server.now, targets=self._targets)
        self._tell_sealing_keys(operator)
        return operator

    def _start(self) -> None:
        self.operator = self._operator()
        self._timers.clear()
        self._failures.clear()
        places = (credential_of_secret(KEY.namespace, name) for _, name in self.server.secrets)
        self._pending = {*self.server.credentials, *(place for place in places if place)}

    def _set_clock(self, now: datetime) -> None:
        self.server.now = now

    def _look_at_timers(self) -> None:
        self._pending |= self._timers.keys()
        self._timers.clear()

    def _wake(self, secret_name: str) -> None:
        self._pending |= {key for key, names in self.operator.inputs.watched.items() if secret_name in names}


def _key(name: str) -> CredentialKey:
    return CredentialKey(KEY.namespace, name)
