"""The operators of a plan, and what happens to them: crashes, clocks, freezes, partitions, a stolen Lease.

What happens does so in the proxy's thread, at the moment of a request; what has to wait for something else goes on in
`tick`, which whoever waits for the plan calls. Used by `scene`.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from faultproxy.proxy import FaultProxy
from faultproxy.scopes import Asked
from faults.operators import Operator, Zygote
from faults.phases import HEALED
from faults.plan import Plan
from faults.scope import TIMES_OUT, OperatorScope
from sshcredential_operator.controller.lease_api import LEASE_NAME

USER: Final = "operator"
LEADER, OTHER = "a", "b"
PATIENCE: Final = 20.0
"""Longer than an operator waits for any answer."""
LEASE: Final = 11.0
"""Longer than a Lease lasts."""
TICK: Final = 3.0
HEALS_AFTER: Final = 0.6
"""So many seconds after an event was lost its watch ends."""
THIEF: Final = "a-thief"


class Cast:
    """One or two operators behind scopes of their own."""

    def __init__(
        self, proxy: FaultProxy, zygote: Zygote, token: str, folder: Path, places: Mapping[str, str], plan: Plan
    ) -> None:
        self._proxy, self._zygote, self._token, self._folder, self._plan = proxy, zygote, token, folder, plan
        self._places = places
        self.operators: dict[str, Operator] = {}
        self.scopes: dict[str, OperatorScope] = {}
        self.logs: list[Path] = []
        """The log of each process, in the order of their starts."""
        self._ahead: dict[str, float] = {}
        self._pending: dict[str, Callable[[], None]] = {}
        """What goes on as soon as the other one leads."""
        self.clock: list[tuple[float, float]] = [(0.0, float(plan.wall))]
        """From when on the first one's clock was so many seconds ahead."""
        self._lock = threading.RLock()
        self._ticked = -math.inf
        self.healed = -math.inf
        """When its watches were last ended, so that it learns what it has missed."""
        self.hurried_at = math.inf
        """When somebody's clock was first set ahead."""
        self.steal: Callable[[str], None] = lambda _: None
        """Writes somebody into the Lease."""
        self.version_before = 0
        self.arguments: tuple[str, ...] = ()
        for who in (LEADER,) if plan.cast == "one" else (LEADER, OTHER):
            strikes = plan.strikes if who == LEADER else ()
            scope = OperatorScope(who, places, strikes, lambda what, who=who: self._happens(who, what))  # type: ignore[misc]  # mypy cannot infer it
            scope.on_answer = lambda asked, code, who=who: self._answered(who, asked, code)  # type: ignore[misc]  # as above
            self.scopes[who] = scope
            proxy.enter(self._address(who), scope)

    @property
    def first(self) -> OperatorScope:
        """The scope of the operator that is struck."""
        return self.scopes[LEADER]

    def start(self, who: str) -> None:
        """Start an operator, once more perhaps."""
        workspaces = [name for name, place in self._places.items() if place != "own"]
        own = next(name for name, place in self._places.items() if place == "own")
        arguments = ["run", "--operator-namespace", own, "--log-format", "json", "--debug", *self.arguments]
        arguments += [part for name in workspaces for part in ("--workspace", name)]
        arguments += ["--leader-election"] if self._plan.cast == "elected" else []
        path = self._proxy.kubeconfig(USER, self._token, self._address(who))
        with self._lock:
            log = self._folder / f"{self._address(who)}-{len(self.logs)}.log"
            clock = self._folder / f"{self._address(who)}.clock"
            self.operators[who] = self._zygote.start(path, log, clock, arguments)
            self.logs.append(log)
            if who == LEADER and self._plan.wall:
                self._set_clock(who)

    def arm(self, version: int) -> None:
        """Let the strikes strike from now on; reads that are old are answered as of this version."""
        self.version_before = version
        for scope in self.scopes.values():
            scope.armed = True

    def disarm(self) -> None:
        """Let nothing more go wrong."""
        for scope in self.scopes.values():
            scope.armed = False

    def set_ahead(self, seconds: float) -> None:
        """Let so much time pass for all of them."""
        for who in self.operators:
            self._pass_time(who, seconds)

    def by_its_clock(self, at: float) -> float:
        """Return what the first one's clock showed at this moment."""
        return at + next(ahead for since, ahead in reversed(self.clock) if since <= at)

    def tick(self) -> None:
        """Let the time of the others go on, where somebody waits for one of them to lead; heal what lost something."""
        now = time.monotonic()
        with self._lock:
            if self._pending and OTHER in self.operators and now - self._ticked > TICK:
                self._ticked = now  # what it asks meanwhile has time for an answer
                # Whoever was stolen from is awake, and time goes by for both.
                for who in self.operators if self._has_thief() else (OTHER,):
                    self._pass_time(who, LEASE)
        lost = [at for strike, at in self.first.struck if strike.phase in HEALED]
        if lost and self.healed < max(lost) < now - HEALS_AFTER:
            self.healed = now
            self.heal()

    def heal(self) -> None:
        """Let every watch begin with a list."""
        for who in self.scopes:
            self._proxy.expire_watches(self._address(who))

    def end(self) -> None:
        """End all of them."""
        for who, operator in self.operators.items():
            operator.signal(signal.SIGCONT)
            operator.end()
            self._proxy.leave(self._address(who))

    # --- what happens

    def _happens(self, who: str, what: str) -> None:
        with self._lock:
            match what:
                case "crash":
                    self._crash(who)
                case "crash-old-lists" | "crash-old-reads":
                    scope = self.scopes[who]
                    scope.old, scope.old_gets = self.version_before, what == "crash-old-reads"
                    self._crash(who)
                case "freeze" | "halt":
                    self.operators[who].signal(signal.SIGSTOP)
                    self._pending[who] = lambda: self._thaw(who, knows=what == "freeze")
                case "partition":
                    self.scopes[who].cut_off = True
                    self._proxy.cut_watches(self._address(who))
                    self._pending[who] = lambda: self._rejoin(who)
                case "steal":
                    self.steal(THIEF)
                    self._pending[who] = lambda: self.steal("")
                case what if what == TIMES_OUT:
                    self._pass_time(who, PATIENCE)

    def _has_thief(self) -> bool:
        return any(strike.phase == "steal" for strike in self._plan.strikes)

    def _crash(self, who: str) -> None:
        self.operators[who].kill()
        self.start(who)

    def _thaw(self, who: str, *, knows: bool) -> None:
        if knows:
            self._pass_time(who, LEASE)
        self.operators[who].signal(signal.SIGCONT)

    def _rejoin(self, who: str) -> None:
        self._pass_time(who, LEASE)
        self.scopes[who].cut_off = False

    def _answered(self, who: str, asked: Asked, code: int) -> None:
        about = asked.address
        if code >= 300 or asked.watch or (about.resource, about.name or LEASE_NAME) != ("leases", LEASE_NAME):
            return
        with self._lock:
            thief = self._has_thief()
            has_taken = who == OTHER and asked.method in {"PUT", "POST"}
            has_noticed = thief and who == LEADER and asked.method == "GET"
            if has_taken or has_noticed:
                goes_on = self._pending.pop(LEADER, None)
                if goes_on and not (thief and has_taken):  # then the thief has lost it to the other one
                    goes_on()

    def _pass_time(self, who: str, seconds: float) -> None:
        self.hurried_at = min(self.hurried_at, time.monotonic())
        self._ahead[who] = self._ahead.get(who, 0.0) + seconds
        self._set_clock(who)

    def _set_clock(self, who: str) -> None:
        wall = self._plan.wall if who == LEADER else 0
        if who == LEADER:
            self.clock.append((time.time(), self._ahead.get(who, 0.0) + wall))
        self.operators[who].set_clock(ahead=self._ahead.get(who, 0.0), wall=wall)

    def _address(self, who: str) -> str:
        return f"{next(iter(self._places))}-{who}"
