"""Make the one change that `decide` asked for, and return what the server answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace, parse_proof, prove
from sshcredential_operator.encryption.credential_secret import KeyMaterial, open_key, peek_kids
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.exports.decision import Act, Decision, Why
from sshcredential_operator.exports.observe import look_at_copy
from sshcredential_operator.exports.observed import Absent, HostKeys, Observed, Ours, RawCopy, Removed
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.exports.rendering import render
from sshcredential_operator.exports.wish import (
    is_as_wished,
    labels_of,
    made_of,
    record_of,
    seal_to,
    source_of,
    spec_of,
)
from sshcredential_operator.reconcile.observe import understand
from sshcredential_operator.reconcile.observed import Stored
from sshcredential_operator.reconcile.trouble import TroubleError


async def act(decision: Decision, observed: Observed, world: ExportWorld) -> Observed:
    """Do it; the observation that comes back is what `decide` and `report` go on with."""
    if decision.act is Act.REMOVE:
        return await _remove(decision, observed, world)
    return await _write(observed, world)


async def _remove(decision: Decision, observed: Observed, world: ExportWorld) -> Observed:
    """Delete exactly the revision that was just read and proven."""
    copy = observed.read[decision.secret_name]
    if not isinstance(copy, Ours):
        raise TypeError
    await world.copies.delete(copy.place, copy.raw.uid, copy.raw.resource_version)
    observed = await look_at_copy(decision.secret_name, observed, world)
    if not isinstance(observed.read[decision.secret_name], Absent):  # somebody changed it meanwhile
        raise TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=0)
    gone = None if decision.why is Why.REMADE else Removed(decision.secret_name, copy.proof.source)
    return replace(observed, removed=gone)


async def _write(observed: Observed, world: ExportWorld) -> Observed:
    export, spec = observed.export, spec_of(observed.export)
    if export is None:
        raise TypeError
    place = CopyPlace(observed.key.namespace, spec.secret_name)
    before = observed.read[spec.secret_name]
    content = await _content(observed, world)
    kek = await world.credentials.workspaces.kek_for_writing(observed.key.namespace)
    proof = prove(kek, place, source_of(export), made_of(observed), content)
    if isinstance(before, Ours):
        written = await world.copies.replace(place, before.raw, content, proof)
    else:
        written = await world.copies.create(place, content, proof)
    if written is None:  # somebody was faster: what lies there decides
        return await look_at_copy(spec.secret_name, observed, world)
    world.known.wrote(place, proof, written.resource_version)
    repaired = is_as_wished(before, observed) if isinstance(before, Ours) else _was_there(observed)
    read = {**observed.read, spec.secret_name: _ours(written, place, proof, kek)}
    return replace(observed, read=read, written=True, repaired=repaired)


async def _content(observed: Observed, world: ExportWorld) -> CopyContent:
    export, spec, record = observed.export, spec_of(observed.export), record_of(observed)
    if export is None:
        raise TypeError
    hosts = observed.host_keys.text if isinstance(observed.host_keys, HostKeys) else None
    material = await _key(observed, world)
    # In a thread: putting a passphrase on takes a quarter of a second, and lets go of the interpreter lock.
    given = spec, record.current_key, material, observed.key.namespace, hosts, seal_to(observed)
    made = await asyncio.to_thread(render, *given)
    return CopyContent(made.type, labels_of(export) | dict(made.labels), made.data)


async def _key(observed: Observed, world: ExportWorld) -> KeyMaterial:
    """Read the credential's Secret live, and open its key; it must still be the one that was decided on."""
    key = observed.export.credential if observed.export else None
    if key is None:
        raise TypeError
    raw = await world.credentials.secrets.read(key)
    stored = await understand(raw, key, world.credentials) if raw else None
    world.credentials.known.remember_secret(key, stored)
    record = record_of(observed)
    if raw is None or not isinstance(stored, Stored) or stored.record != record:
        raise TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=0)
    keks = {kid: await world.credentials.workspaces.kek(kid, key.namespace) for kid in peek_kids(raw.data)}
    material = open_key(raw.data, record, record.current, key.namespace, key.name, keks.get)
    if material is None:  # `understand` has opened it just now
        raise TypeError
    return material


def _was_there(observed: Observed) -> bool:
    """Whether the status tells of this very copy, so that somebody has taken it away."""
    export = observed.export
    if export is None:
        return False
    status, record = export.status, record_of(observed)
    told = (status.secret_name, status.key_number, status.observed_generation)
    return told == (spec_of(export).secret_name, record.current, export.generation)


def _ours(written: RawCopy, place: CopyPlace, proof: str, kek: Kek) -> Ours:
    parsed = parse_proof(proof)
    if parsed is None:
        raise TypeError
    return Ours(written, place, parsed, kek)
