"""The conditions of a target that follow from what was found, and their words: pure. Used by `fold`."""

from __future__ import annotations

from collections.abc import Iterator

from sshcredential_operator.api.conditions import READY, RECONCILING, STALLED, Condition, transition_time
from sshcredential_operator.api.reasons import Course
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_messages import target_message
from sshcredential_operator.api.target_reasons import PASSING, TARGET_COURSE, TargetReason
from sshcredential_operator.api.target_remarks import NEXT_KEY_REFUSED
from sshcredential_operator.api.target_spec import TargetSpec
from sshcredential_operator.api.target_status import AUTHENTICATED, HOST_KEY_TRUSTED, INSTALLED
from sshcredential_operator.api.text import MESSAGE_LIMIT
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.judge import LOGGED_IN, Judged
from sshcredential_operator.targets.probe import UNTRUSTED


def conditions(judged: Judged, target: Target, now: str) -> Iterator[Condition]:
    """Yield them; those that only visits tell of stay as they are without one."""
    ready, before = judged.ready, target.status

    def said(kind: str, status: str, finding: Finding, more: str = "") -> Condition:
        text = cut(f"{text_of(finding, target)} {more}".strip())
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


def text_of(finding: Finding, target: Target) -> str:
    """Return what the catalogue says of a finding."""
    spec, host_key = target.spec, target.status.host_key
    facts: dict[str, str | int] = {"target": target.key.name}
    if isinstance(spec, TargetSpec):
        facts |= {"host": spec.host, "port": spec.port, "username": spec.username, "credential": spec.credential}
    if host_key:
        facts["expected"] = host_key.fingerprint
    return target_message(finding.reason, facts | dict(finding.facts))


def cut(text: str) -> str:
    """Return as much of a text as a condition takes."""
    return text.encode()[:MESSAGE_LIMIT].decode(errors="ignore")
