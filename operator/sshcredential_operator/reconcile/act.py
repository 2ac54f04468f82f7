"""Make the one change that `decide` asked for, and return what the server answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.credential_secret import KeyMaterial, reseal_record, seal_credential
from sshcredential_operator.encryption.record import Record, RecordedKey, first_record, new_credential_id
from sshcredential_operator.keys.judge import Accepted
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.decision import Act, Look
from sshcredential_operator.reconcile.observe import look
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.sources import to_record
from sshcredential_operator.reconcile.trouble import TroubleError


async def act(what: Act, observed: Observed, world: World) -> Observed:
    """Do it; the observation that comes back is what `decide` and `report` go on with."""
    return await _ACTS[what](observed, world)


async def create(observed: Observed, world: World) -> Observed:
    """Make or take the key and POST its Secret. A key comes into being by this POST and by nothing else."""
    spec = _spec(observed)
    pair, passphrase, notes = await _key(observed, spec, world)
    kek = await world.workspaces.kek_for_writing(observed.key.namespace)
    record = _record(observed, spec, pair, notes, passphrase_protected=passphrase is not None)
    material = {record.current: KeyMaterial(pair.private, passphrase)}
    data = seal_credential(record, material, kek, observed.key.namespace, observed.key.name)
    created = await world.secrets.create(observed.key, data)
    if created is None:  # somebody was faster, or the watch lags: what lies there decides
        return await look(Look.SECRET, observed, world)
    stored = Stored(created.uid, created.resource_version, record, kek.kid)
    world.known.remember_secret(observed.key, stored)
    return replace(observed, secret=stored, secret_is_live=True, created=True)


async def update_record(observed: Observed, world: World) -> Observed:
    """Bring the record's deletion policy to what the spec says, and take the orphan mark off."""
    spec, stored = _spec(observed), _stored(observed)
    record = replace(
        stored.record, deletion_policy=spec.deletion_policy.value, deletion_grace_period=spec.deletion_grace_period
    )
    return await _patch(observed, replace(stored, record=record, orphaned_since=None), world)


async def mark_orphan(observed: Observed, world: World) -> Observed:
    """Write on the Secret since when its credential is missing, so that a restart forgets nothing."""
    return await _patch(observed, replace(_stored(observed), orphaned_since=observed.now), world)


async def destroy(observed: Observed, world: World) -> Observed:
    """Delete exactly the revision that was just read."""
    stored = _stored(observed)
    await world.secrets.delete(observed.key, stored.uid, stored.resource_version)
    return replace(observed, destroyed=True)


_ACTS: Final[dict[Act, Callable[[Observed, World], Awaitable[Observed]]]] = {
    Act.CREATE: create,
    Act.UPDATE_RECORD: update_record,
    Act.MARK_ORPHAN: mark_orphan,
    Act.DESTROY: destroy,
}


async def _patch(observed: Observed, wanted: Stored, world: World) -> Observed:
    before = _stored(observed)
    data = {}
    if wanted.record != before.record:
        kek = await world.workspaces.kek(before.key_id, observed.key.namespace)
        if kek is None:
            return await look(Look.SECRET, observed, world)
        data = {"record": reseal_record(wanted.record, kek, observed.key.namespace, observed.key.name)}
    mark = format_timestamp(wanted.orphaned_since) if wanted.orphaned_since else None
    version = await world.secrets.patch(
        observed.key, before.uid, before.resource_version, data=data, orphaned_since=mark
    )
    if version is None:
        return _overtaken(await look(Look.SECRET, observed, world), before)
    stored = replace(wanted, resource_version=version)
    world.known.remember_secret(observed.key, stored)
    return replace(observed, secret=stored, secret_is_live=True)


def _overtaken(observed: Observed, before: Stored) -> Observed:
    if isinstance(observed.secret, Stored) and observed.secret.resource_version == before.resource_version:
        # Nobody was faster: the change itself is refused (an immutable Secret, an admission policy).
        raise TroubleError(Reason.REFUSED_BY_SERVER, {"verb": "patch", "resource": "secrets", "code": 422})
    return observed


async def _key(observed: Observed, spec: Spec, world: World) -> tuple[KeyPair, Sensitive | None, tuple[str, ...]]:
    if isinstance(spec.source, Generate):
        pair, passphrase = await world.keys.generate(spec.source)
        return pair, passphrase, ()
    if not isinstance(observed.input, Accepted):  # `key_is_to_be_made` asks for the input first
        raise TypeError
    return observed.input.pair, observed.input.passphrase, tuple(note.value for note in observed.input.notes)


def _record(
    observed: Observed, spec: Spec, pair: KeyPair, notes: tuple[str, ...], *, passphrase_protected: bool
) -> Record:
    facts = observed.credential.status.facts if observed.credential else None
    number = facts.key_number if facts else 1
    key = RecordedKey(
        key_number=number,
        algorithm=pair.public.algorithm,
        bits=pair.public.bits,
        fingerprint=pair.public.fingerprint,
        public_key=pair.public.line,
        created_at=facts.created_at if facts else format_timestamp(observed.now),
        passphrase_protected=passphrase_protected,
        notes=notes,
    )
    return first_record(
        credential_id=facts.credential_id if facts else new_credential_id(),
        key=key,
        source=to_record(spec.source, pair.public.fingerprint),
        deletion_policy=spec.deletion_policy.value,
        deletion_grace_period=spec.deletion_grace_period,
    )


def _spec(observed: Observed) -> Spec:
    if observed.credential is None or not isinstance(observed.credential.spec, Spec):
        raise TypeError
    return observed.credential.spec


def _stored(observed: Observed) -> Stored:
    if not isinstance(observed.secret, Stored):
        raise TypeError
    return observed.secret
