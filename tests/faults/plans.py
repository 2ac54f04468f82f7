"""Which plans there are: every request that an undisturbed run has shown, with everything that can go wrong with it.

Plans of two strikes, of two operators and of elections are drawn by a seed; so is what a campaign takes of all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from faults.misuse import misuses
from faults.operations import OPERATIONS
from faults.phases import ANSWERS, BROKEN, CRASHES, EVENTS, LEADERS, OLD_AFTER_CRASH, WATCHES
from faults.plan import Plan, Strike
from faults.signatures import Signature

Learned = Mapping[str, Sequence[Signature]]
"""What the undisturbed run of each operation has shown."""

OFTEN: Final = 3
OFTEN_PHASES: Final = ("answer-403", "answer-409", "answer-429", "answer-500", "reset-before", "reset-after")
WALLS: Final = (600, -600)
IN_SHORT: Final = ("lease",)
"""What is asked for again and again: only its first requests belong to an operation."""
ELECTED: Final = (
    "generate",
    "generate-with-passphrase",
    "rotate",
    "change-algorithm-and-rotate",
    "delete",
    "delete-and-come-back",
    "seal",
    "restore",
    "rotate-root",
    "rotate-workspace-key",
)
TOGETHER: Final = (*ELECTED, "generate-at-first-start", "import", "secret-deleted", "go-back", "rotate-prepared")


def undisturbed() -> list[Plan]:
    """Return the plans that show what there is to strike."""
    return [Plan(name) for name in OPERATIONS] + [Plan(name, "elected") for name in ELECTED]


def every_plan(learned: Learned, seed: int) -> dict[str, list[Plan]]:
    """Return all plans by their kind; the drawn ones are drawn by the seed."""
    chance = random.Random(f"plans/{seed}")
    single = {name: list(_single(name, learned[name])) for name in OPERATIONS}
    all_single = [plan for plans in single.values() for plan in plans]
    return {
        "crash": [plan for plan in all_single if plan.strikes[0].phase in CRASHES | OLD_AFTER_CRASH],
        "answer": [plan for plan in all_single if plan.strikes[0].phase.startswith("answer")],
        "broken": [plan for plan in all_single if plan.strikes[0].phase in BROKEN],
        "event": [plan for plan in all_single if plan.strikes[0].phase in EVENTS],
        "pair": list(_pairs(single, chance)),
        "two": [
            plan._replace(cast="two")
            for name in TOGETHER
            for plan in chance.sample(single[name], min(8, len(single[name])))
        ],
        "elected": list(_elected(learned)),
        "clock": list(_clocks(single, chance)),
        "misuse": [Plan(str(misuse)) for misuse in misuses()],
    }


def drawn(plans: Mapping[str, Sequence[Plan]], count: int, seed: int) -> list[Plan]:
    """Return so many plans of all kinds: of each kind its share, and of a small kind at least a few."""
    chance = random.Random(f"drawn/{seed}")
    shuffled = {name: chance.sample(list(kind), len(kind)) for name, kind in plans.items()}
    total = sum(map(len, plans.values()))
    shares = {name: max(2, count * len(kind) // total) for name, kind in shuffled.items()}
    taken = [plan for name, kind in shuffled.items() for plan in kind[: shares[name]]]
    others = [plan for name, kind in shuffled.items() for plan in kind[shares[name] :]]
    taken += chance.sample(others, max(0, min(len(others), count - len(taken))))
    chance.shuffle(taken)
    return taken[:count]


def _single(operation: str, seen: Sequence[Signature]) -> Iterator[Plan]:
    for signature in dict.fromkeys(seen):
        if signature.role in IN_SHORT and signature.nth > 1:
            continue
        for phase in _phases(signature):
            yield Plan(operation, "one", (Strike(signature, phase),))
            if phase in OFTEN_PHASES and signature.method not in {"WATCH", "EVENT"} and signature.nth == 1:
                yield Plan(operation, "one", (Strike(signature, phase, OFTEN),))


def _phases(signature: Signature) -> list[str]:
    if signature.method == "EVENT":
        return list(EVENTS)
    if signature.method == "WATCH":
        return list(WATCHES)
    if signature.writes:
        # A 404 to a POST says that the namespace or the API is not there, which the others meet, too.
        return [*CRASHES, *OLD_AFTER_CRASH, *ANSWERS, *BROKEN]
    return ["crash-before", "crash-answered", *ANSWERS, *(phase for phase in BROKEN if phase != "reset-after")]


def _pairs(single: Mapping[str, Sequence[Plan]], chance: random.Random) -> Iterator[Plan]:
    for name, plans in single.items():
        for _ in range(min(20, len(plans))):
            one, other = chance.sample(list(plans), 2)
            if one.strikes[0].signature != other.strikes[0].signature:
                yield Plan(name, "one", one.strikes + other.strikes)


def _elected(learned: Learned) -> Iterator[Plan]:
    for name in ELECTED:
        seen = dict.fromkeys(learned.get(f"{name}/elected", ()))
        for signature in seen:
            if signature.writes and signature.role not in IN_SHORT:
                yield from (Plan(name, "elected", (Strike(signature, phase),)) for phase in (*LEADERS, *CRASHES))


def _clocks(single: Mapping[str, Sequence[Plan]], chance: random.Random) -> Iterator[Plan]:
    for name, plans in single.items():
        for wall in WALLS:
            yield Plan(name, "one", (), wall)
            yield from (plan._replace(wall=wall) for plan in chance.sample(list(plans), min(1, len(plans))))
