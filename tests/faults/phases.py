"""What can go wrong with a request or an event, by the name that plans give it. Plain data for `scope` and `plans`."""

from __future__ import annotations

from typing import Final

from faultproxy.rules import (
    Answer,
    CutAfter,
    CutBefore,
    ErrorEvent,
    Event,
    Fault,
    HalfLine,
    Halved,
    Hang,
    Happening,
    Stalled,
    Swapped,
)

LATE_SECONDS: Final = 0.4
LONGER_THAN_ANY_PATIENCE: Final = 60.0

CRASHES: Final[dict[str, Fault]] = {
    "crash-before": Happening("crash", "before"),
    "crash-applied": Happening("crash", "applied"),
    "crash-answered": Happening("crash", "answered"),
}
OLD_AFTER_CRASH: Final[dict[str, Fault]] = {
    "crash-applied-then-old-lists": Happening("crash-old-lists", "applied"),
    "crash-applied-then-old-reads": Happening("crash-old-reads", "applied"),
}
ANSWERS: Final[dict[str, Fault]] = {
    "answer-401": Answer(401),
    "answer-403": Answer(403),
    "answer-404": Answer(404),
    "answer-409": Answer(409),
    "answer-422": Answer(422),
    "answer-429": Answer(429, retry_after=1),
    "answer-500": Answer(500),
    "answer-503": Answer(503),
    "answer-504": Answer(504),
}
BROKEN: Final[dict[str, Fault]] = {
    "reset-before": CutBefore(),
    "reset-after": CutAfter(),
    "truncated": CutAfter(in_the_middle=True),
    "halved": Halved(),
    "hang": Hang(LONGER_THAN_ANY_PATIENCE),
}
WATCHES: Final[dict[str, Fault]] = {
    "answer-403": Answer(403),
    "answer-410": Answer(410),
    "answer-429": Answer(429, retry_after=1),
    "answer-500": Answer(500),
    "reset-before": CutBefore(),
    "crash-before": Happening("crash", "before"),
}
EVENTS: Final[dict[str, Fault]] = {
    "dropped": Event(copies=0),
    "doubled": Event(copies=2),
    "delayed": Event(delay=LATE_SECONDS),
    "swapped": Swapped(),
    "stalled": Stalled(),
    "half-line": HalfLine(),
    "event-410": ErrorEvent(410),
    "event-500": ErrorEvent(500),
}
LEADERS: Final[dict[str, Fault]] = {
    "freeze": Happening("freeze", "before", cut=False),
    "halt": Happening("halt", "before", cut=False),
    "steal": Happening("steal", "before", cut=False),
    "partition": Happening("partition", "before"),
}
"""For casts with an election: what happens to the one that leads. One that was frozen knows how long that was; one on a
machine that was halted from outside does not."""

PHASES: Final = CRASHES | OLD_AFTER_CRASH | ANSWERS | BROKEN | WATCHES | EVENTS | LEADERS
HEALED: Final = frozenset({"dropped", "delayed", "swapped", "stalled", "answer-404"})
"""After these an operator has been misled for good, and nobody tells it: its watches are ended as too old, as a server
does every few minutes.
"""
