"""What goes wrong for one operator of a plan: its requests are known by their signatures, and struck as planned.

Lives in the proxy's thread; the stage arms it, reads it and heals it. Used by `stage`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Final

import orjson

from faultproxy.rules import CutBefore, CutWatch, Fault, OldRead, RequestFault
from faultproxy.scopes import Asked
from faults.phases import PHASES
from faults.plan import Strike
from faults.run import Request
from faults.signatures import Signature, event_role, signature_of

OK: Final = 200
TIMES_OUT: Final = "time-out"
"""Happens together with a request that hangs: the operator's clock goes on until its patience ends."""


@dataclass
class OperatorScope:
    """One operator behind the proxy, whichever process it is at the moment."""

    who: str
    places: Mapping[str, str]
    """What each namespace is."""
    strikes: Sequence[Strike]
    happening: Callable[[str], None]
    """Lets happen what a strike names."""
    armed: bool = False
    cut_off: bool = False
    """Nothing comes through."""
    old: int = 0
    """Until each list was asked once, it is answered as of this version; 0: never."""
    old_gets: bool = False
    """The same for single objects."""
    seen: list[Signature] = field(default_factory=list)
    """All requests and events since it was armed."""
    struck: list[tuple[Strike, float]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    on_answer: Callable[[Asked, int], None] = lambda *_: None
    asked_last: float = 0.0
    in_flight: int = 0
    """How many requests, but watches, are not answered."""
    told: dict[str, int] = field(default_factory=dict)
    """By resource, the latest version that a list or an event has told of."""
    _counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _read_old: set[tuple[str, ...]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, kinds: type | UnionType, asked: Asked, event: bytes = b"") -> Fault | None:
        """Return what is planned for this request or event."""
        if kinds is CutWatch:
            return None
        signature = signature_of(asked, self.places)
        if kinds is RequestFault:
            self.asked_last = time.monotonic()
            self.in_flight += not asked.watch
            if self.cut_off:
                return CutBefore()
            if (old := self._old(signature, asked)) is not None:
                return old
        elif role := event_role(event):
            self._tells(signature, orjson.loads(event)["object"]["metadata"])
            signature = Signature("EVENT", signature.resource, signature.part, signature.place, role)
        else:
            return None
        return self._planned(signature) if self.armed else None

    def happens(self, what: str) -> None:
        """Let it happen."""
        self.happening(what)

    def answered(self, asked: Asked, code: int, content: bytes) -> None:
        """Write the request down."""
        self.requests.append(Request(self.who, asked.method, asked.raw, code, asked.body, asked.at))
        signature = signature_of(asked, self.places)
        if signature.method == "LIST" and code == OK:
            self._tells(signature, orjson.loads(content)["metadata"])
        self.on_answer(asked, code)

    def ended(self, asked: Asked) -> None:
        """Count it no more."""
        self.in_flight -= not asked.watch

    def is_done(self) -> bool:
        """Whether every strike has struck as often as it shall."""
        hits = Counter(strike for strike, _ in self.struck)
        return all(hits[strike] >= strike.times for strike in self.strikes)

    def _tells(self, signature: Signature, metadata: Mapping[str, Any]) -> None:
        if signature.place == "workspace":
            version = int(metadata["resourceVersion"])
            self.told[signature.resource] = max(version, self.told.get(signature.resource, 0))

    def _planned(self, signature: Signature) -> Fault | None:
        with self._lock:
            self._counts[signature.kind] += 1
            signature = signature._replace(nth=self._counts[signature.kind])
            self.seen.append(signature)
        for strike in self.strikes:
            first = strike.signature.nth
            if strike.signature.kind == signature.kind and first <= signature.nth < first + strike.times:
                self.struck.append((strike, time.monotonic()))
                if strike.phase == "hang":
                    self.happening(TIMES_OUT)
                return PHASES[strike.phase]
        return None

    def _old(self, signature: Signature, asked: Asked) -> OldRead | None:
        reads = {"LIST", "GET"} if self.old_gets else {"LIST"}
        single = signature.method == "GET" and not asked.address.name
        if not self.old or signature.method not in reads or single or signature.place == "cluster":
            return None
        if signature.kind in self._read_old:
            return None
        self._read_old.add(signature.kind)
        return OldRead(self.old)
