"""When a target is to be probed: pure. Used by `decide`.

What people and keys ask for is answered at once, and once; all else has its moment, and the status tells it after a
restart too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sshcredential_operator.api.conditions import READY
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetNote, TargetReason
from sshcredential_operator.api.target_spec import HostKeyPolicy
from sshcredential_operator.api.target_status import AUTHENTICATED, INSTALLED, TargetStatus
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.targets.memory import Demand
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.waits import spec_of

RETRY: Final = timedelta(minutes=5)
"""A failure is tried again after this time and up to a fifth more, or after `every`, whichever is shorter."""
UNGUARDED_RETRY: Final = timedelta(minutes=1)
SPREAD: Final = timedelta(minutes=1)
"""Over so long, or a tenth of `every`, those are spread that are due at the same moment, as after a restart."""
REQUEST_LENGTH: Final = 256
"""So much of a request does the status repeat."""

NOT_YET_TRIED: Final = frozenset(
    {
        TargetReason.PENDING,
        TargetReason.PROBING,
        TargetReason.OPERATOR_NAMESPACE,
        TargetReason.SPEC_INVALID,
        TargetReason.CREDENTIAL_MISSING,
        TargetReason.CREDENTIAL_NOT_READY,
        TargetReason.JUMP_TARGET_MISSING,
        TargetReason.JUMP_LOOP,
    }
)


def due_at(observed: Observed) -> datetime:
    """Return when the next probe is due; `now` when it is."""
    memory, every = observed.memory, spec_of(observed.target).every
    last = _latest_try(observed)
    if (
        is_asked_for(observed) or _jump_got_through(observed) or last is None or last - observed.now > every
    ):  # a clock was set back
        return observed.now
    spread = memory.jitter * min(every / 10, SPREAD)
    if is_to_be_retried(observed):
        pause = UNGUARDED_RETRY if _reason(observed.target.status) == TargetReason.TARGET_NOT_GUARDED else RETRY
        moment = last + min(pause * (1 + memory.jitter / 5), every)
    else:
        moment = last + every + spread
    if memory.ends:
        moment = min(moment, memory.ends)
    return max(moment, memory.since + spread) if moment <= memory.since else moment


def demand_of(observed: Observed) -> Demand:
    """Return what is to be answered at once."""
    target = observed.target
    return Demand(target.generation, request_of(target), _newly_trusted(target), wanted_keys(observed))


def request_of(target: Target) -> str | None:
    """Return the request as the status repeats it."""
    return target.probe_request[:REQUEST_LENGTH] if target.probe_request else None


def is_requested(target: Target) -> bool:
    """Whether somebody asks for a probe, and has not been answered."""
    return request_of(target) not in {None, target.status.handled_probe_request}


def is_asked_for(observed: Observed) -> bool:
    """Whether there is something that no probe has answered yet."""
    if observed.memory.asked == demand_of(observed):
        return False
    return any(wish(observed) for wish in _WISHES)


def is_to_be_retried(observed: Observed) -> bool:
    """Whether the latest probe left something that may be better a few minutes later."""
    status, installed = observed.target.status, observed.target.status.condition(INSTALLED)
    lacks = installed and installed.status != "True" and installed.reason != TargetReason.RETIRED_KEY_ACCEPTED
    return bool(observed.memory.failed_at or lacks or not all(_holds(status, kind) for kind in (READY, AUTHENTICATED)))


def wanted_keys(observed: Observed) -> frozenset[str]:
    """Return the fingerprints of the keys that should log in, as the credential's status shows them."""
    status = observed.credential.status if observed.credential else None
    if status is None or status.facts is None:
        return frozenset()
    return frozenset({status.facts.fingerprint, *([status.next.fingerprint] if status.next else ())})


def _was_never_probed(observed: Observed) -> bool:
    status = observed.target.status
    is_new = status.last_probe_at is None or status.observed_generation != observed.target.generation
    return is_new or _reason(status) in NOT_YET_TRIED


def _is_requested(observed: Observed) -> bool:
    return is_requested(observed.target)


def _host_key_is_trusted_meanwhile(observed: Observed) -> bool:
    return _newly_trusted(observed.target) is not None


def _keys_differ(observed: Observed) -> bool:
    wanted, status, asked = wanted_keys(observed), observed.target.status, observed.memory.asked
    if asked:
        return asked.keys != wanted
    known = set(status.authenticated_fingerprints)
    credential = observed.credential.status if observed.credential else None
    living = wanted | ({credential.previous.fingerprint} if credential and credential.previous else set())
    ended = any(key.fingerprint not in living for key in status.retired_keys)
    return (
        not known <= wanted
        or (not wanted <= known and _holds(status, AUTHENTICATED))
        or (ended and TargetNote.RETIRED_KEY_ACCEPTED.value not in status.notes)
    )


def _jump_got_through(observed: Observed) -> bool:
    tried, jumps = parse_timestamp(observed.target.status.last_probe_at or ""), observed.jumps
    if tried is None or not isinstance(jumps, tuple) or not jumps:
        return False
    through = parse_timestamp(jumps[-1].target.status.last_success_at or "")
    if _reason(observed.target.status) != TargetReason.JUMP_FAILED or through is None:
        return False
    began = observed.memory.began  # the status has whole seconds: in the same one, it may have been after that
    return through >= began.replace(microsecond=0) if began else through > tried


_WISHES: Final[tuple[Callable[[Observed], bool], ...]] = (
    _was_never_probed,
    _is_requested,
    _host_key_is_trusted_meanwhile,
    _keys_differ,
)
"""What is answered by one probe, whatever comes of it."""


def _newly_trusted(target: Target) -> str | None:
    offered, policy = target.status.offered_host_key, spec_of(target).host_keys.policy
    fits = offered and policy is HostKeyPolicy.TRUST_ON_FIRST_USE and offered.fingerprint == target.trusted_fingerprint
    return target.trusted_fingerprint if fits else None


def _latest_try(observed: Observed) -> datetime | None:
    written = parse_timestamp(observed.target.status.last_probe_at or "")
    return max((moment for moment in (written, observed.memory.failed_at) if moment), default=None)


def _holds(status: TargetStatus, kind: str) -> bool:
    condition = status.condition(kind)
    return condition is not None and condition.status == "True"


def _reason(status: TargetStatus) -> str | None:
    return status.ready.reason if status.ready else None
