"""The status that follows from what was found: pure, from one status to the next. Used by `report`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sshcredential_operator.api.conditions import READY
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import PASSING, TargetNote, TargetReason
from sshcredential_operator.api.target_remarks import LATEST_TRY_FAILED
from sshcredential_operator.api.target_spec import HostKeyPolicy, Manage, TargetSpec
from sshcredential_operator.api.target_status import (
    RetiredKey,
    SeenHostKey,
    TargetStatus,
)
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.ssh.visit import OfferedKey
from sshcredential_operator.targets.conditions import conditions, cut, text_of
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.judge import LOGGED_IN, Judged

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
    """None where they stay as they are."""


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
        conditions=tuple(conditions(judged, target, format_timestamp(result.now))),
        handled_probe_request=result.request or before.handled_probe_request,
        extra=(),
    )
    if not judged.visited:  # who logged in where an earlier spec led to opens no door of this one
        stays = before.observed_generation == target.generation
        logged_in = before.authenticated_fingerprints if stays else ()
        return replace(after, authenticated_fingerprints=logged_in, retired_keys=_still_retired(result, before))
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
    text = text_of(LOGGED_IN, target) + " " + LATEST_TRY_FAILED.format(reason=result.judged.ready.reason.value)
    told = tuple(c._replace(message=cut(text)) if c.type == READY else c for c in before.conditions)
    return replace(before, conditions=told, last_probe_at=moment, handled_probe_request=result.request, extra=())


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
