"""Read live what one probe needs: the policy, keys, known hosts. Called by the pass, when a probe is due."""

from __future__ import annotations

from dataclasses import dataclass

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_spec import HostKeyPolicy
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.ssh.host_keys import HostTrust
from sshcredential_operator.ssh.trusting import host_trust
from sshcredential_operator.ssh.visit import Hop, PrivateKey, Route
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.ports import StoredKeys, TargetWorld, Unavailable
from sshcredential_operator.targets.waits import jump_failed, spec_of


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the visits of one probe need. Holds private keys, and lives no longer than the probe."""

    keys: StoredKeys
    route: Route


async def plan(observed: Observed, world: TargetWorld) -> Plan | Finding:
    """Return how to probe, or why that is not done."""
    if world.guard and not await world.guard.in_force():
        return Finding(TargetReason.TARGET_NOT_GUARDED)
    keys = await keys_of(observed.credential, world)
    if isinstance(keys, Finding):
        return keys
    jumps = await _jumps(observed, world)
    if isinstance(jumps, Finding):
        return jumps
    trust = await trust_of(observed.target, observed, world)
    if isinstance(trust, Finding):
        return trust
    seconds = spec_of(observed.target).timeout.total_seconds()
    return Plan(keys, Route(jumps, _hop(observed.target, trust), seconds, observed.target.key.namespace))


async def keys_of(credential: Credential | None, world: TargetWorld) -> StoredKeys | Finding:
    """Read the keys of a credential; they must be those that its status tells of."""
    facts = credential.status.facts if credential else None
    if credential is None or facts is None:
        return Finding(TargetReason.CREDENTIAL_NOT_READY)
    keys = await world.keys.keys(credential.key)
    if isinstance(keys, Unavailable):
        return Finding(keys.reason, {"secret": credential.key.secret_name})
    if keys.credential_id == facts.credential_id and keys.key_number > facts.key_number:
        raise TroubleError(Reason.SERVER_UNAVAILABLE)  # a moment of every rotation: the status is about to follow
    told = facts.credential_id, facts.key_number, facts.fingerprint
    if (keys.credential_id, keys.key_number, keys.current.fingerprint) != told:
        return Finding(TargetReason.CREDENTIAL_NOT_READY)
    return keys


async def trust_of(target: Target, observed: Observed, world: TargetWorld) -> HostTrust | Finding:
    """Return what is trusted for a target's server. Only its own probe goes by what a person says of the host key."""
    spec, text = spec_of(target), None
    own = target.key == observed.target.key
    if given := spec.host_keys.known_hosts:
        text = await world.config_maps.value(target.key.namespace, given.name, given.key)
        if text is None:
            facts = {"config_map": given.name, "config_map_key": given.key}
            return Finding(TargetReason.KNOWN_HOSTS_CONFIG_MAP_MISSING, facts)
    recorded = target.status.host_key
    trust = host_trust(
        spec.host_keys,
        host=spec.host,
        port=spec.port,
        now=observed.now,
        known_hosts=text,
        recorded=recorded.public_key if recorded else None,
        trusted_fingerprint=target.trusted_fingerprint if own else None,
    )
    return Finding(TargetReason.KNOWN_HOSTS_INVALID, {"line": trust.number}) if isinstance(trust, BadLine) else trust


def is_by_first_use(target: Target) -> bool:
    """Whether the server's key is recorded, and not given."""
    return spec_of(target).host_keys.policy is HostKeyPolicy.TRUST_ON_FIRST_USE


async def _jumps(observed: Observed, world: TargetWorld) -> tuple[tuple[Hop, PrivateKey], ...] | Finding:
    if isinstance(observed.jumps, Finding):  # the waits come first
        raise TypeError
    hops = []
    for jump in observed.jumps:
        keys, trust = await keys_of(jump.credential, world), await trust_of(jump.target, observed, world)
        if isinstance(keys, Finding):
            return jump_failed(jump.target, keys.reason)
        if isinstance(trust, Finding):
            return jump_failed(jump.target, trust.reason)
        hops.append((_hop(jump.target, trust), keys.current.private))
    return tuple(hops)


def _hop(target: Target, trust: HostTrust) -> Hop:
    spec = spec_of(target)
    return Hop(spec.host, spec.port, spec.username, trust)
