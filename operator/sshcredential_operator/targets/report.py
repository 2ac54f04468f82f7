"""Write a target's status when it differs, and announce what deserves it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_status import target_merge_patch
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.targets.events import Event, of_status
from sshcredential_operator.targets.fold import Result, status_after
from sshcredential_operator.targets.ports import TargetWorld

MOST_TRIES: Final = 3
"""So often somebody else may be faster while the result of one probe is written."""


async def report(result: Result, target: Target, world: TargetWorld) -> bool:
    """PATCH the status if it differs; return whether it did.

    The result is kept when somebody wrote something that it does not rest on, such as a label; else it is void.
    """
    for _ in range(MOST_TRIES):
        wanted = status_after(result, target)
        if wanted == target.status:
            return False
        answer = await world.targets.patch_status(target, target_merge_patch(wanted, over=target.status))
        if answer is not None:
            world.known.remember_target(target.key, answer)
            await tell(of_status(target.status, wanted, target), target, result.now, world)
            return True
        newer = await world.targets.read(target.key)
        world.known.remember_target(target.key, newer)
        if newer is None or _rests_on(newer) != _rests_on(target):
            break
        target = newer
    raise TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=0)


async def tell(events: Iterable[Event], target: Target, now: datetime, world: TargetWorld) -> None:
    """Announce them."""
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for event in events:
        await world.announcer.announce(target, event.name, event.note, warning=event.warning, moment=moment)


def _rests_on(target: Target) -> tuple[object, ...]:
    return target.uid, target.generation, target.deleting, target.trusted_fingerprint, target.status
