"""What a soak has asked for, what every status said since, and how long each took. Pure; fed by `soak_load`.

A key changes only when that was asked for: whatever else a status tells is kept as drift, one sentence for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.soak_plan import Kind, Place
from cluster.shown import condition_of


@dataclass(slots=True)
class Wanted:
    """The serial that was asked for last, and the key, where that is known beforehand."""

    serial: int = 0
    fingerprint: str | None = None


class Told(NamedTuple):
    """The key that a status told of last, and all that it told of before."""

    fingerprint: str
    serial: int
    earlier: frozenset[str] = frozenset()


class Wait(NamedTuple):
    """How long an operation took, and when it was asked for; in seconds."""

    kind: Kind
    asked: float
    seconds: float


@dataclass(slots=True)
class Ledger:
    """All credentials of a soak. Moments are of one clock, in seconds."""

    wanted: dict[Place, Wanted] = field(default_factory=dict)
    told: dict[Place, Told] = field(default_factory=dict)
    drift: list[str] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    cut_short: int = 0
    """Operations whose credential was deleted before they were seen done."""
    _asked: dict[Place, int] = field(default_factory=dict)
    _open: dict[Place, list[tuple[Kind, int, float]]] = field(default_factory=dict)

    def create(self, place: Place, now: float, fingerprint: str | None = None) -> None:
        """Note that a credential is asked for; to be called before it is."""
        self.wanted[place] = Wanted(0, fingerprint)
        self._asked[place] = 0
        self._open[place] = [(Kind.CREATE, 0, now)]

    def rotate(self, place: Place, now: float, fingerprint: str | None = None) -> int:
        """Note that another key is asked for, and return the serial to ask with."""
        serial = self.wanted[place].serial + 1
        self.wanted[place] = Wanted(serial, fingerprint)
        self._asked[place] = serial
        self._open.setdefault(place, []).append((Kind.ROTATE, serial, now))
        return serial

    def delete(self, place: Place) -> None:
        """Note that a credential is to go."""
        del self.wanted[place]
        self.cut_short += len(self._open.pop(place, []))

    def is_open(self, place: Place) -> bool:
        """Whether anything that was asked of a credential was not seen done yet."""
        return bool(self._open.get(place))

    @property
    def open(self) -> int:
        """How many operations were not seen done yet."""
        return sum(map(len, self._open.values()))

    @property
    def leaving(self) -> int:
        """How many deleted credentials were not seen to be gone yet."""
        return len(self._asked.keys() - self.wanted.keys())

    def see(self, event: str, found: Any, now: float) -> None:
        """Judge one event of the watch."""
        place = Place(found["metadata"]["namespace"], found["metadata"]["name"])
        if place not in self._asked:
            self.drift.append(f"{place.namespace}/{place.name}: nobody asked for it")
            return
        if event == "DELETED":
            if place in self.wanted:
                self.drift.append(f"{place.namespace}/{place.name}: was deleted, and nobody asked for it")
            del self._asked[place]
            self.told.pop(place, None)
            return
        self._judge(place, found["status"])
        self._close(place, found, now)

    def _judge(self, place: Place, status: Any) -> None:
        fingerprint, serial = status.get("fingerprint"), status.get("rotationSerial", 0)
        before, word = self.told.get(place), f"{place.namespace}/{place.name}"
        if fingerprint is None:
            if before:
                self.drift.append(f"{word}: the status tells of no key any more, after {before.fingerprint}")
            return
        if serial > self._asked[place]:
            self.drift.append(f"{word}: says serial {serial}, and {self._asked[place]} was asked for")
        if before and fingerprint != before.fingerprint and serial <= before.serial:
            self.drift.append(f"{word}: the key changed from {before.fingerprint} to {fingerprint} without being asked")
        if before and fingerprint == before.fingerprint and serial > before.serial:
            self.drift.append(f"{word}: says serial {serial} with the key of serial {before.serial}")
        if before and fingerprint in before.earlier:
            self.drift.append(f"{word}: an earlier key came back, {fingerprint}")
        earlier = before.earlier | {before.fingerprint} - {fingerprint} if before else frozenset[str]()
        self.told[place] = Told(fingerprint, serial, earlier)

    def _close(self, place: Place, found: Any, now: float) -> None:
        status = found["status"]
        if condition_of(found).get("status") != "True" or place not in self._open:
            return
        done = [one for one in self._open[place] if one[1] <= status.get("rotationSerial", 0)]
        self.waits += [Wait(kind, since, now - since) for kind, _, since in done]
        self._open[place] = [one for one in self._open[place] if one not in done]
        if not self._open[place]:
            del self._open[place]
