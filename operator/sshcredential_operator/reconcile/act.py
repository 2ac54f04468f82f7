"""Make the one change that `decide` asked for, and return what the server answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.credential_secret import seal_credential
from sshcredential_operator.encryption.record import Record, first_record, new_credential_id
from sshcredential_operator.reconcile.decision import Act, Look
from sshcredential_operator.reconcile.making import NewKey, new_key
from sshcredential_operator.reconcile.narrow import spec_of, stored_in
from sshcredential_operator.reconcile.observe import look
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.rewrap import rewrap
from sshcredential_operator.reconcile.rotate import (
    end_previous,
    honour_serial,
    promote,
    roll_back,
    rotate,
    take_source,
    withdraw,
)
from sshcredential_operator.reconcile.sources import to_record
from sshcredential_operator.reconcile.writing import write


async def act(what: Act, observed: Observed, world: World) -> Observed:
    """Do it; the observation that comes back is what `decide` and `report` go on with."""
    return await _ACTS[what](observed, world)


async def create(observed: Observed, world: World) -> Observed:
    """Make or take the key and POST its Secret. A key comes into being by this POST and by nothing else."""
    made = await new_key(observed, spec_of(observed.credential), world.keys)
    kek = await world.workspaces.kek_for_writing(observed.key.namespace)
    record = _first_record(observed, made)
    data = seal_credential(record, {record.current: made.material}, kek, observed.key.namespace, observed.key.name)
    created = await world.secrets.create(observed.key, data)
    if created is None:  # somebody was faster, or the watch lags: what lies there decides
        return await look(Look.SECRET, observed, world)
    uid = observed.credential.uid if observed.credential else None
    stored = Stored(created.uid, created.resource_version, record, kek.kid, made_for=uid)
    world.known.remember_secret(observed.key, stored)
    return replace(observed, secret=stored, secret_is_live=True, created=True)


async def update_record(observed: Observed, world: World) -> Observed:
    """Bring the record's deletion policy to what the spec says, and take the orphan mark off."""
    spec, stored = spec_of(observed.credential), stored_in(observed)
    record = replace(
        stored.record, deletion_policy=spec.deletion_policy.value, deletion_grace_period=spec.deletion_grace_period
    )
    return await write(observed, replace(stored, record=record, orphaned_since=None), world)


async def mark_orphan(observed: Observed, world: World) -> Observed:
    """Write on the Secret since when its credential is missing, so that a restart forgets nothing."""
    return await write(observed, replace(stored_in(observed), orphaned_since=observed.now), world)


async def destroy(observed: Observed, world: World) -> Observed:
    """Delete exactly the revision that was just read."""
    stored = stored_in(observed)
    await world.secrets.delete(observed.key, stored.uid, stored.resource_version)
    return replace(observed, destroyed=True)


_ACTS: Final[dict[Act, Callable[[Observed, World], Awaitable[Observed]]]] = {
    Act.CREATE: create,
    Act.UPDATE_RECORD: update_record,
    Act.ROTATE: rotate,
    Act.HONOUR_SERIAL: honour_serial,
    Act.PROMOTE: promote,
    Act.ROLL_BACK: roll_back,
    Act.TAKE_SOURCE: take_source,
    Act.WITHDRAW: withdraw,
    Act.END_PREVIOUS: end_previous,
    Act.REWRAP: rewrap,
    Act.MARK_ORPHAN: mark_orphan,
    Act.DESTROY: destroy,
}


def _first_record(observed: Observed, made: NewKey) -> Record:
    # Where the status already tells of a key, it is the same one, whose Secret was lost: it keeps its identity.
    facts = observed.credential.status.facts if observed.credential else None
    spec = spec_of(observed.credential)
    return first_record(
        credential_id=facts.credential_id if facts else new_credential_id(),
        key=made.recorded(
            facts.key_number if facts else 1, facts.created_at if facts else format_timestamp(observed.now)
        ),
        source=to_record(spec.source, made.public.fingerprint),
        deletion_policy=spec.deletion_policy.value,
        deletion_grace_period=spec.deletion_grace_period,
        rotation_serial=facts.rotation_serial if facts else spec.rotation.serial,
    )
