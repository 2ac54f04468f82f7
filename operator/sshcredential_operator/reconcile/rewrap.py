"""Put a credential's Secret under the newest KEK of its workspace. Used by `act`.

The operator itself decides who is next, so that a workspace of thousands does not take all of its time; whoever is not
told to, does nothing. One PATCH, guarded by the revision that was read; the status follows in the same pass.
"""

from __future__ import annotations

from dataclasses import replace

from sshcredential_operator.encryption.credential_secret import peek_kids
from sshcredential_operator.encryption.rewrapping import under_another_kek
from sshcredential_operator.reconcile.decision import Look
from sshcredential_operator.reconcile.narrow import stored_in
from sshcredential_operator.reconcile.observe import look, understand
from sshcredential_operator.reconcile.observed import Observed
from sshcredential_operator.reconcile.ports import World


async def rewrap(observed: Observed, world: World) -> Observed:
    """Wrap the data keys anew. Who is overtaken, or cannot, looks at what is there now and is not asked again."""
    before, wanted, key = stored_in(observed), observed.rewrap, observed.key
    raw = await world.secrets.read(key)
    if raw is None or wanted is None or raw.resource_version != before.resource_version:
        return await look(Look.SECRET, replace(observed, rewrap=None), world)
    keks = {kid: await world.workspaces.kek(kid, key.namespace) for kid in peek_kids(raw.data)}
    data = under_another_kek(raw.data, keks.get, wanted)
    if data is None:  # it opened when it was seen last
        return replace(observed, rewrap=None, secret=await understand(raw, key, world), secret_is_live=True)
    version: str | None = raw.resource_version
    if data:
        version = await world.secrets.patch(
            key, raw.uid, raw.resource_version, data=data, orphaned_since=raw.orphaned_since
        )
    if version is None:  # a newer revision, or a Secret that may not be changed: it goes on under the KEK that it has
        return await look(Look.SECRET, replace(observed, rewrap=None), world)
    stored = replace(before, resource_version=version, key_id=wanted.kek.kid, mixed=False)
    world.known.remember_secret(key, stored)
    return replace(observed, secret=stored, secret_is_live=True)
