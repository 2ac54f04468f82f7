"""Gather what is known about one export into one frozen value, and live evidence where `decide` asks for it."""

from __future__ import annotations

from dataclasses import replace

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts, InlineKnownHosts, TargetKnownHosts
from sshcredential_operator.api.names import CredentialKey, ExportKey, Namespace, TargetKey
from sshcredential_operator.encryption.copy_proof import CopyPlace, is_ours, parse_proof
from sshcredential_operator.exports.decision import Decision, Look
from sshcredential_operator.exports.observed import (
    Absent,
    ConfigMapLacks,
    CopySeen,
    Foreign,
    HostKeys,
    HostKeysSeen,
    Observed,
    Ours,
    RawCopy,
    TargetLacks,
)
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.exports.target_hosts import config_map_of, hosts_of
from sshcredential_operator.exports.wish import spec_of
from sshcredential_operator.keys.known_hosts import BadLine, known_hosts
from sshcredential_operator.reconcile.observe import read_credential, understand
from sshcredential_operator.reconcile.observed import RawSecret, SecretSeen
from sshcredential_operator.reconcile.trouble import TroubleError


async def observe(key: ExportKey, world: ExportWorld) -> Observed:
    """Return what the watches have shown."""
    export = world.known.export(key)
    credential = export.credential if export else None
    known, now = world.credentials.known, world.credentials.now()
    trouble = known.trouble(CredentialKey(key.namespace, key.name))
    stored: RawSecret | SecretSeen | None = None
    if credential:
        try:
            stored = await stored_of(credential, world)
        except TroubleError as met:  # the key ring could not be asked
            trouble = met
    return Observed(
        key=key,
        now=now,
        served=key.namespace != world.credentials.operator_namespace,
        export=export,
        rival=world.known.rival(export, now) if export else None,
        copies=world.known.copies(key),
        credential=known.credential(credential) if credential else None,
        stored=stored,
        sealing_key=world.credentials.sealing.newest(),
        must_be_guarded=world.guard is not None,
        trouble=trouble,
    )


async def stored_of(key: CredentialKey, world: ExportWorld) -> SecretSeen | None:
    """Return the credential's Secret as the watch shows it, opened once per revision."""
    known = world.credentials.known
    stored = known.secret(key)
    if isinstance(stored, RawSecret):
        stored = await understand(stored, key, world.credentials)
        known.remember_secret(key, stored)
    return stored


async def look(decision: Decision, observed: Observed, world: ExportWorld) -> Observed:
    """Return the observation with the evidence that was asked for."""
    match decision.look:
        case Look.EXPORT:
            export = await world.exports.read(observed.key)
            world.known.remember_export(observed.key, export)
            return replace(observed, export=export, absence_is_live=True)
        case Look.CREDENTIAL:
            return await _credential(observed, world)
        case Look.COPY:
            return await look_at_copy(decision.secret_name, observed, world)
        case Look.HOST_KEYS:
            return replace(observed, host_keys=await _host_keys(observed, world))
        case Look.POLICY if world.guard is not None:
            return replace(observed, policy=await world.guard.look())
    raise TypeError


async def look_at_copy(secret_name: str, observed: Observed, world: ExportWorld) -> Observed:
    """Read one Secret live."""
    place = CopyPlace(observed.key.namespace, secret_name)
    raw = await world.copies.read(place)
    seen = await understood(raw, place, world) if raw else Absent()
    return replace(observed, read={**observed.read, secret_name: seen})


async def understood(raw: RawCopy, place: CopyPlace, world: ExportWorld) -> CopySeen:
    """Return whether a Secret is a copy of ours."""
    proof = parse_proof(raw.proof)
    if proof is None:
        return Foreign()
    kek = await world.credentials.workspaces.kek(proof.kid, Namespace(place.namespace))
    return Ours(raw, place, proof, kek) if kek and is_ours(proof, place, kek) else Foreign()


async def _credential(observed: Observed, world: ExportWorld) -> Observed:
    key = observed.export.credential if observed.export else None
    if key is None:
        raise TypeError
    credential = await read_credential(key, world.credentials)
    return replace(observed, credential=credential, credential_is_live=True)


async def _host_keys(observed: Observed, world: ExportWorld) -> HostKeysSeen:
    given = spec_of(observed.export).known_hosts
    if isinstance(given, TargetKnownHosts):
        return await _of_target(given.name, observed, world)
    if isinstance(given, ConfigMapKnownHosts):
        text = await world.config_maps.value(observed.key.namespace, given.name, given.key)
        if text is None:
            return ConfigMapLacks(given.name, given.key)
    elif isinstance(given, InlineKnownHosts):
        text = given.text
    else:  # `host_keys_are_wanting` asks only for what is given
        raise TypeError
    read = known_hosts(text)
    return read if isinstance(read, BadLine) else HostKeys(read)


async def _of_target(name: str, observed: Observed, world: ExportWorld) -> HostKeysSeen:
    target = await world.targets.read(TargetKey(observed.key.namespace, name))
    if target is None:
        return TargetLacks(name, exists=False)
    place, text = config_map_of(target), None
    if place is not None:
        text = await world.config_maps.value(observed.key.namespace, place.name, place.key)
        if text is None:
            return ConfigMapLacks(place.name, place.key)
    return hosts_of(target, text, observed.now)
