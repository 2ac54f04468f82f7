"""What deserves an event, from one status to the next: pure. Used by `report`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import PASSING, TargetNote, TargetReason
from sshcredential_operator.api.target_remarks import TRUSTED_ON_FIRST_USE
from sshcredential_operator.api.target_status import INSTALLED, TargetStatus
from sshcredential_operator.api.text import filled
from sshcredential_operator.ssh.visit import Arranged
from sshcredential_operator.targets.findings import Found
from sshcredential_operator.targets.waits import spec_of


class Event(NamedTuple):
    """One event, in words."""

    name: str
    note: str
    warning: bool = False


def of_lines(found: Found, target: Target) -> Iterator[Event]:
    """Yield what was done to authorized_keys, whether the status could be written or not."""
    arranged = found.arranged
    if not isinstance(arranged, Arranged) or not arranged.changed:
        return
    spec = spec_of(target)
    where = f"authorized_keys of {spec.username} at {spec.host}"
    if arranged.removed:
        yield Event("Removed", f"{_listed(arranged.removed)} was removed from {where}.")
    written = arranged.ours & {half.fingerprint for half in found.wanted}
    if written - set(target.status.authenticated_fingerprints):
        yield Event("Installed", f"{_listed(written)} is now in {where}.")


def of_status(before: TargetStatus, after: TargetStatus, target: Target) -> Iterator[Event]:
    """Yield what changed."""
    yield from _of_host_key(before, after, target)
    note = TargetNote.RETIRED_KEY_ACCEPTED.value
    if note in after.notes and note not in before.notes:
        said = after.condition(INSTALLED)
        yield Event("RetiredKeyAccepted", said.message if said else "", warning=True)
    was, ready = before.ready, after.ready
    if ready is None or (was is not None and was.status == ready.status):
        return
    if was is not None and was.status == "True" and after.offered_host_key == before.offered_host_key:
        lost = ready.reason in PASSING
        yield Event("BecameUnreachable" if lost else ready.reason, ready.message, warning=True)
    elif ready.status == "True" and before.last_success_at is not None:
        yield Event("Recovered", ready.message)


def _of_host_key(before: TargetStatus, after: TargetStatus, target: Target) -> Iterator[Event]:
    facts = {"host": spec_of(target).host if after.host_key else ""}
    if TargetNote.TRUSTED_ON_FIRST_USE.value in after.notes and before.host_key is None and after.host_key:
        told = filled(TRUSTED_ON_FIRST_USE, facts | {"fingerprint": after.host_key.fingerprint})
        yield Event("TrustedOnFirstUse", told)
    elif before.host_key and after.host_key and before.host_key.fingerprint != after.host_key.fingerprint:
        note = f"The host key is now {after.host_key.fingerprint}; before it was {before.host_key.fingerprint}."
        yield Event("HostKeyReplaced", note)
    was = before.offered_host_key.fingerprint if before.offered_host_key else None
    ready = after.ready
    if after.offered_host_key and ready and after.offered_host_key.fingerprint != was:
        changed = ready.reason == TargetReason.HOST_KEY_CHANGED
        yield Event("HostKeyChanged" if changed else ready.reason, ready.message, warning=True)


def _listed(fingerprints: frozenset[str]) -> str:
    return "Key " + ", ".join(sorted(fingerprints)[:8])
