"""Change our Secret: one PATCH that names the revision it is based on, and what the server made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.credential_secret import reseal_record
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.reconcile.decision import Look
from sshcredential_operator.reconcile.narrow import stored_in
from sshcredential_operator.reconcile.observe import look
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

Values = Mapping[str, bytes | None]
"""Values of the Secret by name; None takes one away."""


async def write(
    observed: Observed, wanted: Stored, world: World, *, values: Values | None = None, kek: Kek | None = None
) -> Observed:
    """Bring the Secret to `wanted`, and its values with it; somebody else's change in between is looked at instead.

    The record is sealed under `kek`, by default under the one that it is sealed under already.
    """
    before = stored_in(observed)
    data = dict(values or {})
    if wanted.record != before.record:
        kek = kek or await world.workspaces.kek(before.key_id, observed.key.namespace)
        if kek is None:
            return await look(Look.SECRET, observed, world)
        wanted = replace(wanted, key_id=kek.kid, mixed=before.mixed or kek.kid != before.key_id)
        data["record"] = reseal_record(wanted.record, kek, observed.key.namespace, observed.key.name)
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
