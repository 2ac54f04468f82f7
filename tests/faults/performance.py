"""Runs one plan on a stage, from the first write to after the last quiet minute, and has it judged. For `campaign`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from cluster.etcd_history import CREDENTIALS, Revision
from cluster.shown import reason_of
from controlplane.waiting import TimedOut
from faults.misuse import is_misuse, operation_of
from faults.operations import OPERATIONS, Operation
from faults.oracles import judge
from faults.phases import HEALED, OLD_AFTER_CRASH
from faults.plan import Plan
from faults.planted_operations import MORE
from faults.ring import keks_of
from faults.run import Request, Run, Violation
from faults.scene import Scene
from faults.signatures import Signature
from faults.stage import Place, Stage

QUIET_MINUTE: Final = 61.0
LATE_STRIKES: Final = 0.5
"""A strike that is planned for after all is level comes within so many seconds, or not at all."""


@dataclass
class Result:
    """What is kept of a plan."""

    plan: str
    planned: int
    struck: int
    revisions: int = 0
    requests: int = 0
    seconds: float = 0.0
    seconds_to_level: float | None = None
    violations: list[list[str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """The signatures of an undisturbed run."""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


def perform(stage: Stage, plan: Plan) -> Result:
    """Run a plan."""
    begun, operation = time.monotonic(), operation_in(plan)
    with stage.place(plan, operation.others) as place:
        scene = Scene(place, stage.chronicle, plan)
        try:
            level, said = _played(scene, operation), []
        except (TimedOut, AssertionError) as broken:  # in what goes undisturbed, or by what users met
            level, said = None, [Violation("story", str(broken))]
        run = _run(stage, scene, place, level)
        found = [*said, *judge(run), *_own_oracles(scene, run)]
        first = scene.cast.first
        return Result(
            plan.id,
            sum(strike.times for strike in plan.strikes),
            len(first.struck),
            len(run.revisions),
            len(run.requests),
            round(time.monotonic() - begun, 2),
            None if level is None else round(level, 3),
            [[one.oracle, one.text] for one in found],
            [] if plan.strikes else list(map(str, first.seen)),
        )


def signatures(result: Result) -> list[Signature]:
    """Return what an undisturbed run has shown."""
    return list(map(Signature.of, result.seen))


def operation_in(plan: Plan) -> Operation:
    """Return what a plan's users do; raises LookupError or ValueError where there is no such operation."""
    return operation_of(plan.operation) if is_misuse(plan.operation) else (OPERATIONS | MORE)[plan.operation]


def _played(scene: Scene, operation: Operation) -> float | None:
    """Return how many seconds after the last fault all was as wanted; None if it never was."""
    cast, plan = scene.cast, scene.plan
    operation.prepare(scene)
    cast.arm(scene.version())
    if operation.cold:
        scene.rest()
    operation.act(scene)
    scene.version()  # what users have written is heard of: nothing is level that was so before
    acted = time.monotonic()
    if plan.strikes:
        scene.until(lambda: cast.first.is_done() or scene.is_level(), "something has happened")
        if not cast.first.is_done():
            until = time.monotonic() + LATE_STRIKES
            scene.until(lambda: cast.first.is_done() or time.monotonic() > until, "what is planned has happened")
    try:
        scene.until_level()
    except TimedOut as late:
        scene.late = str(late)
        return None
    last = max([acted, *(at for _, at in cast.first.struck)])
    return max(0.0, time.monotonic() - last)


def _quiet(scene: Scene) -> tuple[str, ...]:
    """Let a minute pass for the operators, and return what they write after all was level."""
    scene.until_idle()
    scene.cast.disarm()
    learning = any(strike.phase in HEALED | OLD_AFTER_CRASH.keys() for strike in scene.plan.strikes)
    while True:
        healed, since = scene.cast.healed, scene.version()
        scene.pass_time(QUIET_MINUTE)
        if scene.serves:
            scene.until(scene.says_ready, "the operators say that they are ready", 15)
        scene.until_idle()
        scene.version()
        if scene.cast.healed == healed and not learning:
            break
        learning = False  # who learns only now what it had missed may write, and a minute later no more
    return tuple(_told(one.revision) for one in scene.heard() if one.revision.version > since)


def _told(one: Revision) -> str:
    said = f" says {reason_of(one.object)}" if one.object and one.resource == CREDENTIALS else ""
    return f"{one.resource} {one.name}{said}"


def _run(stage: Stage, scene: Scene, place: Place, level: float | None) -> Run:
    writes: tuple[str, ...] = ()
    if level is not None:
        try:
            writes = _quiet(scene)
        except TimedOut as late:
            scene.late = str(late)
    stage.chronicle.catch_up()
    heard = scene.heard()
    revisions = sorted((one.revision for one in heard), key=lambda one: one.version)
    return Run(
        namespace=place.namespace,
        own=place.own,
        revisions=revisions,
        by_users=scene.users.theirs(heard),
        wanted=scene.wanted,
        kek_of=keks_of(revisions).get,
        logs=scene.cast.logs,
        events=scene.users.events(),
        needles=scene.users.needles,
        seconds_to_level=level,
        writes_in_quiet=writes,
        ended_by_itself=any(one.ended_by_itself for one in scene.cast.operators.values()),
        requests=list(_requests(scene, place)),
        rests=scene.rests,
        times=scene.times(),
        clocks_agree=not scene.plan.wall,
        unhurried_until=scene.cast.hurried_at,
    )


def _requests(scene: Scene, place: Place) -> Iterator[Request]:
    """Yield the requests about this workspace. One that was halted cannot know that it leads no more: the write guards
    alone hold then, and nothing is said of the Lease.
    """
    halted = any(strike.phase == "halt" for strike in scene.plan.strikes)
    requests = [request for scope in scene.cast.scopes.values() for request in scope.requests]
    for request in sorted(requests, key=lambda request: request.at):
        beside = any(f"/namespaces/{name}/" in request.path for name in place.beside)
        if not beside and not (halted and "/leases" in request.path):
            yield request


def _own_oracles(scene: Scene, run: Run) -> list[Violation]:
    found = [Violation("I4", scene.late)] if scene.late else []
    if run.ended_by_itself:
        found.append(Violation("I18", "an operator ended by itself"))
    credentials = [one for one in run.revisions if one.resource == CREDENTIALS]
    if not credentials:
        found.append(Violation("story", "nothing was heard of any credential"))
    return found
