"""What keeps a target from being probed at all, as far as the watches tell: small checks in their order, pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import KEY_IN_DOUBT
from sshcredential_operator.api.spec import InvalidSpec
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_spec import HostKeyPolicy, TargetSpec
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.observed import Jump, Observed

Check = Callable[[Observed], Finding | None]


def spec_of(target: Target) -> TargetSpec:
    """Return the spec; `spec_unreadable` comes before all that ask."""
    if not isinstance(target.spec, TargetSpec):
        raise TypeError
    return target.spec


def in_operator_namespace(observed: Observed) -> Finding | None:
    """The key ring's namespace is no workspace."""
    return None if observed.served else Finding(TargetReason.OPERATOR_NAMESPACE)


def spec_unreadable(observed: Observed) -> Finding | None:
    """A schema that is older or newer than this operator let something through."""
    spec = observed.target.spec
    return Finding(TargetReason.SPEC_INVALID, {"field": spec.field}) if isinstance(spec, InvalidSpec) else None


def credential_is_missing(observed: Observed) -> Finding | None:
    """There is nothing to log in with."""
    return Finding(TargetReason.CREDENTIAL_MISSING) if observed.credential is None else None


def key_is_not_good(observed: Observed) -> Finding | None:
    """No key yet, or one that must not be relied on."""
    return None if has_good_key(observed.credential) else Finding(TargetReason.CREDENTIAL_NOT_READY)


def there_is_no_way(observed: Observed) -> Finding | None:
    """A jump target is missing, or the jumps lead round in a circle."""
    return observed.jumps if isinstance(observed.jumps, Finding) else None


def jump_target_is_not_usable(observed: Observed) -> Finding | None:
    """A server on the way cannot be logged in to, whatever it says."""
    jumps = () if isinstance(observed.jumps, Finding) else observed.jumps
    return next((found for jump in jumps if (found := _not_usable(jump))), None)


WAITS: Final[tuple[Check, ...]] = (
    in_operator_namespace,
    spec_unreadable,
    credential_is_missing,
    key_is_not_good,
    there_is_no_way,
    jump_target_is_not_usable,
)
"""The order is part of the behaviour."""


def has_good_key(credential: Credential | None) -> bool:
    """Whether the credential's status tells of a key, and nothing is in doubt."""
    status = credential.status if credential else None
    return status is not None and status.facts is not None and status.reason not in KEY_IN_DOUBT


def jump_failed(jump: Target, why: TargetReason) -> Finding:
    """Return how it is said that something is wrong with a server on the way."""
    spec = spec_of(jump)
    facts: dict[str, str | int] = {"hop": f"{spec.host}:{spec.port}", "why": why.value}
    return Finding(TargetReason.JUMP_FAILED, facts)


def _not_usable(jump: Jump) -> Finding | None:
    if not has_good_key(jump.credential):
        missing = jump.credential is None
        why = TargetReason.CREDENTIAL_MISSING if missing else TargetReason.CREDENTIAL_NOT_READY
        return jump_failed(jump.target, why)
    by_use = spec_of(jump.target).host_keys.policy is HostKeyPolicy.TRUST_ON_FIRST_USE
    if by_use and jump.target.status.host_key is None:  # only its own probe may take a first host key
        return jump_failed(jump.target, TargetReason.HOST_KEY_UNKNOWN)
    return None
