"""What goes wrong with which requests and watch events: plain data, without any I/O. Used by `proxy` and tests."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from dataclasses import dataclass
from types import UnionType
from typing import NamedTuple


class Answer(NamedTuple):
    """The proxy answers, and the API server never hears of the request. `retry_after` is in seconds."""

    code: int
    retry_after: int | None = None


class CutBefore(NamedTuple):
    """The connection is reset, and the API server never hears of the request."""


class CutAfter(NamedTuple):
    """The API server does what it is asked, and the connection is reset before its answer, or in the middle of it."""

    in_the_middle: bool = False


class Halved(NamedTuple):
    """The API server does what it is asked, and the first half of its answer comes as if it were the whole."""


class Hang(NamedTuple):
    """Nothing happens for so many seconds, then the connection is reset."""

    seconds: float


class Happening(NamedTuple):
    """Something happens to the operator at a moment of its request: `before` the API server hears of it, when it is
    `applied` and the answer is still here, or when that is `answered`. What it is, the request's scope knows.
    """

    what: str
    when: str
    cut: bool = True
    """Whether the connection ends with it, at the first two moments."""


class OldRead(NamedTuple):
    """A read is answered as it was at this revision."""

    version: int


class CutWatch(NamedTuple):
    """A watch is reset so many seconds after its beginning."""

    seconds: float


class Event(NamedTuple):
    """One event of a watch comes so many times (0 drops it), so many seconds late. Others may overtake it."""

    copies: int = 1
    delay: float = 0.0


class ErrorEvent(NamedTuple):
    """An ERROR event of this code comes in the place of one event of a watch, and ends it."""

    code: int


class HalfLine(NamedTuple):
    """The first half of one event of a watch comes, then a reset."""


class Swapped(NamedTuple):
    """One event of a watch comes after the next one."""


class Stalled(NamedTuple):
    """From one event of a watch on nothing comes any more, and the watch stays open."""


RequestFault = Answer | CutBefore | CutAfter | Halved | Hang | Happening | OldRead
EventFault = Event | ErrorEvent | HalfLine | Swapped | Stalled
Fault = RequestFault | CutWatch | EventFault


class Bursts(NamedTuple):
    """`on` seconds out of every `every` seconds."""

    on: float
    every: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests or watches meet a fault: all conditions together, and a share of what they leave.

    `path` is a regular expression that is searched in the path, without the query.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    watch: bool | None = None
    share: float = 1.0
    times: int | None = None
    bursts: Bursts | None = None

    def is_about(self, method: str, path: str, *, watch: bool) -> bool:
        """Whether the rule speaks of such requests."""
        return self.method in {"", method} and self.watch in {None, watch} and re.search(self.path, path) is not None


class RulesInForce:
    """The first rule that strikes decides. `struck` tells how often each one did."""

    def __init__(self, rules: tuple[Rule, ...], chance: random.Random) -> None:
        self._rules, self._chance, self._begun = rules, chance, time.monotonic()
        self.struck: Counter[Rule] = Counter()

    def strike(self, kinds: type | UnionType, method: str, path: str, *, watch: bool) -> Fault | None:
        """Return the fault of one of these kinds that happens now, if any."""
        for rule in self._rules:
            if isinstance(rule.fault, kinds) and rule.is_about(method, path, watch=watch) and self._happens(rule):
                self.struck[rule] += 1
                return rule.fault
        return None

    def _happens(self, rule: Rule) -> bool:
        if rule.times is not None and self.struck[rule] >= rule.times:
            return False
        if rule.bursts and (time.monotonic() - self._begun) % rule.bursts.every >= rule.bursts.on:
            return False
        return self._chance.random() < rule.share
