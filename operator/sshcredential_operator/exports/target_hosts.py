"""The known hosts that an SSHTarget stands for: pure. Used by `observe`, and by the feed of exports."""

from __future__ import annotations

from datetime import datetime

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_spec import HostKeyPolicy, TargetSpec
from sshcredential_operator.exports.observed import HostKeys, TargetBehind, TargetLacks
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.ssh.trusting import host_trust, known_hosts_lines


def config_map_of(target: Target) -> ConfigMapKnownHosts | None:
    """Return where the lines lie that have to be read first."""
    return target.spec.host_keys.known_hosts if isinstance(target.spec, TargetSpec) else None


def hosts_of(target: Target, config_map: str | None, now: datetime) -> HostKeys | TargetLacks | TargetBehind:
    """Return the lines that say what the target trusts of its own host, or that it knows none.

    What the spec or its ConfigMap pins is taken from there; with TrustOnFirstUse, the host key that the status has
    recorded, as long as the status is about this spec. A key that is only offered is never among them.
    """
    spec, recorded = target.spec, target.status.host_key
    if not isinstance(spec, TargetSpec):
        return TargetLacks(target.key.name, exists=True)
    if spec.host_keys.policy is HostKeyPolicy.TRUST_ON_FIRST_USE and recorded and _is_behind(target):
        return TargetBehind(target.key.name)
    trust = host_trust(
        spec.host_keys,
        host=spec.host,
        port=spec.port,
        now=now,
        known_hosts=config_map,
        recorded=recorded.public_key if recorded else None,
    )
    text = "" if isinstance(trust, BadLine) else known_hosts_lines(trust, spec.host, spec.port)
    return HostKeys(text) if text else TargetLacks(target.key.name, exists=True)


def hosts_changed(before: Target | None, after: Target | None) -> bool:
    """Whether copies that take their known hosts from this target may have to follow."""
    return (before and _facts(before)) != (after and _facts(after))


def _facts(target: Target) -> tuple[object, ...]:
    spec, key = target.spec, target.status.host_key
    pinned = (spec.host, spec.port, spec.host_keys) if isinstance(spec, TargetSpec) else None
    return pinned, key and key.public_key, _is_behind(target)


def _is_behind(target: Target) -> bool:
    return target.status.observed_generation < target.generation
