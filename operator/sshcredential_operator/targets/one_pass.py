"""One pass over one target. Called by the workers of the process `targets`, one at a time for each target."""

from __future__ import annotations

from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.reconcile.one_pass import Outcome
from sshcredential_operator.targets.ports import TargetWorld


async def follow(key: TargetKey, world: TargetWorld, failures: int = 0) -> Outcome:
    """Bring one target one step further; `failures` is how many passes in a row came before without success.

    Raises TroubleError when not even the status could be written.
    """
    raise NotImplementedError(key, world, failures)
