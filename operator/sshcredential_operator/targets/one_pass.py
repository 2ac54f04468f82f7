"""One pass over one target. Called by the workers of the process `targets`, one at a time for each target."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.target_reasons import PASSING, TargetReason
from sshcredential_operator.reconcile.one_pass import PATIENCE, Outcome
from sshcredential_operator.reconcile.rotation import LINGER
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.targets.decide import Probe, Rest, Wait, decide, is_news
from sshcredential_operator.targets.due import demand_of, request_of
from sshcredential_operator.targets.events import of_lines
from sshcredential_operator.targets.findings import Finding, Found
from sshcredential_operator.targets.fold import Result, probing
from sshcredential_operator.targets.judge import Judged, judged
from sshcredential_operator.targets.memory import Memory
from sshcredential_operator.targets.observe import observe
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.plan import Plan, plan
from sshcredential_operator.targets.ports import StoredKeys, TargetWorld
from sshcredential_operator.targets.probe import probe
from sshcredential_operator.targets.report import report, tell
from sshcredential_operator.targets.retired import left_behind


class Act(Enum):
    """What a pass did."""

    PROBE = "probe"


_TROUBLES: Final = {
    Reason.FORBIDDEN: TargetReason.FORBIDDEN,
    Reason.KEY_UNAVAILABLE: TargetReason.KEY_UNAVAILABLE,
    Reason.KEY_RING_UNAVAILABLE: TargetReason.KEY_UNAVAILABLE,
}


async def follow(key: TargetKey, world: TargetWorld, failures: int = 0) -> Outcome:
    """Bring one target one step further; `failures` is how many passes in a row came before without success.

    Raises TroubleError when not even the status could be written.
    """
    observed = observe(key, world)
    if observed is None or observed.target.deleting:
        return Outcome(None)
    match decide(observed):
        case Wait(finding):
            return await _wait(finding, observed, world)
        case Rest(until):
            return Outcome(None, due_in=(until - observed.now).total_seconds())
        case Probe():
            try:
                return await _probe(observed, world)
            except TroubleError as trouble:
                return await _in_trouble(trouble, observed, world, failures)


async def _wait(finding: Finding, observed: Observed, world: TargetWorld) -> Outcome:
    """Say what lacks. When it is there, the probe comes at once."""
    world.memories.keep(observed.target.key, replace(observed.memory, asked=None))
    reported = False
    if is_news(finding, observed):
        retired = left_behind(observed) if finding.reason is TargetReason.CREDENTIAL_MISSING else None
        result = Result(Judged(finding), observed.now, request_of(observed.target), retired=retired)
        reported = await report(result, observed.target, world)
    return Outcome(finding.reason, reported=reported)


async def _probe(observed: Observed, world: TargetWorld) -> Outcome:
    planned = await plan(observed, world)
    if isinstance(planned, Finding):
        return await _ended(Judged(planned), None, None, observed, world)
    ready = observed.target.status.ready
    if observed.target.status.last_probe_at is None and ready and ready.reason == TargetReason.PENDING:
        observed = await _begin(observed, world)
    found = await probe(planned, observed, world)
    await tell(of_lines(found, observed.target), observed.target, world.now(), world)
    return await _ended(judged(found), found, planned, observed, world)


async def _begin(observed: Observed, world: TargetWorld) -> Observed:
    """Say that the first probe is under way: it may take a while."""
    target = observed.target
    wanted = probing(target, observed.now)
    from_here = Result(Judged(Finding(TargetReason.PROBING)), observed.now, wanted.handled_probe_request)
    await report(from_here, target, world)
    return replace(observed, target=world.known.target(target.key) or target)


async def _ended(
    verdict: Judged, found: Found | None, planned: Plan | None, observed: Observed, world: TargetWorld
) -> Outcome:
    """Remember what came of it, write it, and say when to come again."""
    memory, now = _remembered(verdict, found, planned, observed, world), world.now()
    world.memories.keep(observed.target.key, memory)
    retired = found.retired if found else None
    result = Result(verdict, now, request_of(observed.target), memory.failures, retired)
    try:
        reported = await report(result, observed.target, world)
    except TroubleError:  # what it found is told nowhere: it is made again, at the pace of a failed one
        world.memories.keep(observed.target.key, replace(memory, failed_at=now))
        raise
    after = observe(observed.target.key, world)
    due_in = _seconds_until(decide(after), after) if after else None
    return Outcome(verdict.ready.reason, Act.PROBE if found else None, due_in=due_in, reported=reported)


def _remembered(
    verdict: Judged, found: Found | None, planned: Plan | None, observed: Observed, world: TargetWorld
) -> Memory:
    memory, good = observed.memory, verdict.ready.reason is TargetReason.LOGGED_IN and not verdict.left_over
    lines = {half.fingerprint: half.public_key for half in found.wanted} if found else {}
    known = {one: line for one, line in memory.logged_in.items() if one not in verdict.refused}
    return replace(
        memory,
        jitter=world.jitter(),
        asked=demand_of(observed),
        failures=memory.failures + 1 if verdict.ready.reason in PASSING else 0,
        failed_at=None if good else world.now(),
        began=observed.now,
        ends=_first_end(planned.keys, observed.now) if planned else None,
        logged_in=known | {one: lines[one] for one in verdict.logged_in},
    )


def _first_end(keys: StoredKeys, now: datetime) -> datetime | None:
    ends = (old.until + LINGER for old in keys.previous if old.until)
    return min((moment for moment in ends if moment > now), default=None)


def _seconds_until(decision: Wait | Probe | Rest, observed: Observed) -> float | None:
    match decision:
        case Rest(until):
            return (until - observed.now).total_seconds()
        case Probe():
            return 0.0
    return None


async def _in_trouble(trouble: TroubleError, observed: Observed, world: TargetWorld, failures: int) -> Outcome:
    """A hiccup of the API server does not make a good state bad; a longer one is said, as far as that can be."""
    reason = _TROUBLES.get(trouble.reason, TargetReason.SERVER_UNAVAILABLE)
    reported = False
    if (
        failures >= PATIENCE
        and trouble.retry_after != 0
        and is_news(finding := Finding(reason, trouble.facts), observed)
    ):
        reported = await report(Result(Judged(finding), observed.now, None), observed.target, world)
    return Outcome(reason, retry=True, retry_after=trouble.retry_after, reported=reported)
