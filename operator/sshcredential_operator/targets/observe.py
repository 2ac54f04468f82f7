"""Gather what is known about one target into one frozen value. Reads the watches' memory only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.api.spec import InvalidSpec
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.reconcile.rotation import LINGER
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.memory import Memory
from sshcredential_operator.targets.observed import Jump, Observed
from sshcredential_operator.targets.ports import KnownTargets, TargetWorld

MOST_JUMPS: Final = 4


def observe(key: TargetKey, world: TargetWorld) -> Observed | None:
    """Return what the watches have shown; None where there is no such target."""
    target = world.known.target(key)
    if target is None:
        return None
    credential = world.known.credential(target.credential) if target.credential else None
    memory = world.memories.of(key, target.uid)
    if memory is None:
        known = _already_in(target, credential)
        memory = Memory(target.uid, world.now(), world.jitter(), ends=_end(credential), logged_in=known)
        world.memories.keep(key, memory)
    return Observed(
        target=target,
        now=world.now(),
        served=key.namespace != world.operator_namespace,
        credential=credential,
        jumps=jumps(target, world.known),
        memory=memory,
    )


def jumps(target: Target, known: KnownTargets) -> tuple[Jump, ...] | Finding:
    """Return the targets to go through, the first server first; or what is wrong with that way."""
    way: list[Jump] = []
    seen, here = {target.key}, target
    while here.jump is not None:
        facts = {"target": here.jump.name}
        if here.jump in seen or len(way) == MOST_JUMPS:
            return Finding(TargetReason.JUMP_LOOP, facts)
        found = known.target(here.jump)
        if found is None or found.deleting or found.credential is None or isinstance(found.spec, InvalidSpec):
            return Finding(TargetReason.JUMP_TARGET_MISSING, facts)
        seen.add(here.jump)
        way.append(Jump(found, known.credential(found.credential)))
        here = found
    return tuple(reversed(way))


def _already_in(target: Target, credential: Credential | None) -> dict[str, str]:
    """Return what can still be told of keys that logged in before this process began."""
    return {
        fingerprint: public_key
        for fingerprint, public_key in _shown(credential)
        if fingerprint in target.status.authenticated_fingerprints
    }


def _end(credential: Credential | None) -> datetime | None:
    previous = credential.status.previous if credential else None
    until = parse_timestamp(previous.moment) if previous else None
    return until + LINGER if until else None


def _shown(credential: Credential | None) -> Iterator[tuple[str, str]]:
    status = credential.status if credential else None
    if status and status.facts:
        yield status.facts.fingerprint, status.facts.public_key
    for other in (status.next, status.previous) if status else ():
        if other:
            yield other.fingerprint, other.public_key
