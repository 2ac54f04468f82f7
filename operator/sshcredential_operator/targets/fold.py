"""The status that follows from what was found: pure, from one status to the next. Used by `report`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sshcredential_operator.api.conditions import READY, RECONCILING, STALLED, Condition, transition_time
from sshcredential_operator.api.reasons import Course
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_messages import target_message
from sshcredential_operator.api.target_reasons import PASSING, TARGET_COURSE, TargetNote, TargetReason
from sshcredential_operator.api.target_remarks import LATEST_TRY_FAILED, NEXT_KEY_REFUSED
from sshcredential_operator.api.target_spec import HostKeyPolicy, Manage, TargetSpec
from sshcredential_operator.api.target_status import (
    AUTHENTICATED,
    HOST_KEY_TRUSTED,
    INSTALLED,
    RetiredKey,
    SeenHostKey,
    TargetStatus,
)
from sshcredential_operator.api.text import MESSAGE_LIMIT
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.ssh.visit import OfferedKey
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.judge import LOGGED_IN, Judged
from sshcredential_operator.targets.probe import UNTRUSTED

PATIENCE: Final = 2
"""So many probes in a row meet passing trouble before a good state is called unknown."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a pass came to, to be folded into the status of whichever revision it is written to."""

    judged: Judged
    now: datetime
    request: str | None
    """The request that it answers."""
    failures: int = 0
    """So many probes in a row, this one too, met passing trouble."""
    retired: tuple[RetiredKey, ...] | None = None
    """None where no visit was made."""


def is_borne(result: Result, target: Target) -> bool:
    """Whether a good state stays good: the first time that passing trouble is met."""
    return (
        result.judged.ready.reason in PASSING
        and result.judged.visited
        and (is_good(target) and result.failures < PATIENCE)
    )


def is_good(target: Target) -> bool:
    """Whether the status says Ready of this very spec."""
    ready = target.status.ready
    return ready is not None and ready.status == "True" and target.status.observed_generation == target.generation


def status_after(result: Result, target: Target) -> TargetStatus:
    """Return the status that follows."""
    before, judged = target.status, result.judged
    if is_borne(result, target):
        return _borne(result, target)
    after = replace(
        before,
        observed_generation=target.generation,
        conditions=tuple(_conditions(result, target)),
        handled_probe_request=result.request or before.handled_probe_request,
        extra=(),
    )
    if not judged.visited:
        return after
    moment = format_timestamp(result.now)
    ready = judged.ready.reason is TargetReason.LOGGED_IN
    recorded = judged.host_key if _is_first_use(target) or judged.logged_in else None
    return replace(
        after,
        host_key=_seen(recorded, before.host_key, moment) or before.host_key,
        offered_host_key=_seen(judged.offered, before.offered_host_key, moment)
        or (None if judged.host_key else before.offered_host_key),
        server_version=judged.server_version or before.server_version,
        authenticated_fingerprints=judged.logged_in,
        retired_keys=_still_retired(result, before),
        last_probe_at=moment,
        last_success_at=moment if ready else before.last_success_at,
        notes=tuple(_notes(result, target, recorded)),
    )


def probing(target: Target, now: datetime) -> TargetStatus:
    """Return the status of a target that is visited for the first time."""
    judged = Judged(Finding(TargetReason.PROBING))
    return status_after(Result(judged, now, target.status.handled_probe_request), target)


def _borne(result: Result, target: Target) -> TargetStatus:
    before, moment = target.status, format_timestamp(result.now)
    if result.request in {None, before.handled_probe_request}:
        return before
    text = _text(LOGGED_IN, target) + " " + LATEST_TRY_FAILED.format(reason=result.judged.ready.reason.value)
    conditions = tuple(c._replace(message=_cut(text)) if c.type == READY else c for c in before.conditions)
    return replace(before, conditions=conditions, last_probe_at=moment, handled_probe_request=result.request, extra=())


def _conditions(result: Result, target: Target) -> Iterator[Condition]:
    judged, before, now = result.judged, target.status, format_timestamp(result.now)
    ready = judged.ready

    def said(kind: str, status: str, finding: Finding, more: str = "") -> Condition:
        text = _cut(f"{_text(finding, target)} {more}".strip())
        since = transition_time(kind, status, before, now)
        return Condition(kind, status, finding.reason.value, text, target.generation, since)

    course = TARGET_COURSE[ready.reason]
    yield said(READY, _ready_status(ready, target), ready, _remark(judged))
    if course in {Course.WORK, Course.WAIT, Course.RETRY}:
        yield said(RECONCILING, "True", ready)
    elif course is Course.STOP:
        yield said(STALLED, "True", ready)
    if not judged.visited:
        yield from (c for kind in (HOST_KEY_TRUSTED, AUTHENTICATED, INSTALLED) if (c := before.condition(kind)))
        return
    yield said(HOST_KEY_TRUSTED, *_host_key(judged))
    yield said(AUTHENTICATED, *_told(judged.keys, judged))
    yield said(INSTALLED, *_told(judged.installed, judged))


def _ready_status(ready: Finding, target: Target) -> str:
    if TARGET_COURSE[ready.reason] is Course.READY:
        return "True"
    passes = ready.reason in PASSING | {TargetReason.TARGET_NOT_GUARDED, TargetReason.FORBIDDEN}
    return "Unknown" if passes and _was_good(target) else "False"


def _was_good(target: Target) -> bool:
    ready, status = target.status.ready, target.status
    once = ready is not None and (ready.status == "True" or (ready.status == "Unknown" and ready.reason != "Pending"))
    return once and status.observed_generation == target.generation


def _host_key(judged: Judged) -> tuple[str, Finding]:
    if judged.ready.reason in UNTRUSTED:
        return "False", judged.ready
    if judged.host_key:
        return "True", Finding(TargetReason.HOST_KEY_TRUSTED)
    return "Unknown", judged.ready


def _told(finding: Finding | None, judged: Judged) -> tuple[str, Finding]:
    """Return what is known of one thing; what could not be tried has the reason of that."""
    if finding is None:
        return "Unknown", judged.ready
    return "True" if TARGET_COURSE[finding.reason] is Course.READY else "False", finding


def _remark(judged: Judged) -> str:
    lacks = judged.ready.reason is TargetReason.LOGGED_IN and judged.keys and judged.keys != LOGGED_IN
    if not lacks or judged.keys is None:
        return ""
    return NEXT_KEY_REFUSED.format(reason=judged.keys.reason.value, **judged.keys.facts)


def _notes(result: Result, target: Target, recorded: OfferedKey | None) -> Iterator[str]:
    spec, judged = target.spec, result.judged
    if not isinstance(spec, TargetSpec):
        return
    if spec.bootstrap and spec.manage is Manage.INSTALL and judged.logged_in:
        yield TargetNote.BOOTSTRAP_PRESENT.value
    if judged.accepted or (judged.left_over and TargetNote.RETIRED_KEY_ACCEPTED.value in target.status.notes):
        yield TargetNote.RETIRED_KEY_ACCEPTED.value
    before = target.status.host_key
    fingerprint = recorded.fingerprint if recorded else before.fingerprint if before else None
    if _is_first_use(target) and fingerprint and fingerprint != target.trusted_fingerprint:
        yield TargetNote.TRUSTED_ON_FIRST_USE.value


def _still_retired(result: Result, before: TargetStatus) -> tuple[RetiredKey, ...]:
    retired = before.retired_keys if result.retired is None else result.retired
    return tuple(key for key in retired if key.fingerprint not in result.judged.refused)


def _seen(key: OfferedKey | None, before: SeenHostKey | None, now: str) -> SeenHostKey | None:
    if key is None:
        return None
    stays = before is not None and before.fingerprint == key.fingerprint
    return SeenHostKey(key.type, key.fingerprint, key.public_key, before.since if before and stays else now)


def _is_first_use(target: Target) -> bool:
    spec = target.spec
    return isinstance(spec, TargetSpec) and spec.host_keys.policy is HostKeyPolicy.TRUST_ON_FIRST_USE


def _text(finding: Finding, target: Target) -> str:
    spec, host_key = target.spec, target.status.host_key
    facts: dict[str, str | int] = {"target": target.key.name}
    if isinstance(spec, TargetSpec):
        facts |= {"host": spec.host, "port": spec.port, "username": spec.username, "credential": spec.credential}
    if host_key:
        facts["expected"] = host_key.fingerprint
    return target_message(finding.reason, facts | dict(finding.facts))


def _cut(text: str) -> str:
    return text.encode()[:MESSAGE_LIMIT].decode(errors="ignore")
