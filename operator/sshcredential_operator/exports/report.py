"""Write an export's status when it differs, and announce what deserves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import NamedTuple

from sshcredential_operator.api.conditions import conditions_for
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec
from sshcredential_operator.api.export_status import Admission, ExportStatus, export_merge_patch
from sshcredential_operator.api.messages import export_message
from sshcredential_operator.api.names import ExportKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.exports.decision import Decision, Why
from sshcredential_operator.exports.guard import verdict
from sshcredential_operator.exports.observed import Guarding, Observed, Ours
from sshcredential_operator.exports.ports import ExportWorld, Subject
from sshcredential_operator.exports.rendering import ignored
from sshcredential_operator.exports.wish import record_of, source_of, spec_of
from sshcredential_operator.reconcile.trouble import TroubleError


class Told(NamedTuple):
    """What the status tells of the copy."""

    secret_name: str | None
    key_number: int | None
    fingerprint: str | None


async def report(decision: Decision, observed: Observed, world: ExportWorld) -> bool:
    """PATCH the status if it differs; return whether it did. A pass that changes nothing writes nothing."""
    export = observed.export
    if export is None or decision.reason is None:
        return False
    wanted = status_for(decision.reason, decision, observed, export)
    if wanted == export.status:
        return False
    answer = await world.exports.patch_status(export, export_merge_patch(wanted, over=export.status))
    if answer is None:
        raise TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=0)
    world.known.remember_export(observed.key, answer)
    return True


def status_for(reason: Reason, decision: Decision, observed: Observed, export: Export) -> ExportStatus:
    """Return the status that follows from a decision; pure."""
    before = export.status
    suspended = reason is Reason.SUSPENDED
    generation = min(before.observed_generation, export.generation) if suspended else export.generation
    conditions = conditions_for(
        reason, export_message(reason, decision.facts), generation, before, format_timestamp(observed.now)
    )
    told, ends = _told(reason, observed, export), export.expires_at
    return ExportStatus(
        observed_generation=generation,
        conditions=conditions,
        key_number=told.key_number,
        fingerprint=told.fingerprint,
        secret_name=told.secret_name,
        expires_at=format_timestamp(ends) if ends else None,
        notes=tuple(note.value for note in ignored(export.spec)) if isinstance(export.spec, ExportSpec) else (),
        admission=_admission(observed, export),
    )


async def tell(decision: Decision, observed: Observed, world: ExportWorld) -> None:
    """Announce what this pass has done to a copy; `decision` is the one that asked for it."""
    for subject, event, note, warning in _events(decision, observed):
        moment = observed.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        await world.announcer.announce(subject, event, note, warning=warning, moment=moment)


def _events(decision: Decision, observed: Observed) -> Iterator[tuple[Subject, str, str, bool]]:
    if removed := observed.removed:
        why = (decision.why or Why.DELETED).value
        subject = Subject(ExportKey(observed.key.namespace, removed.source.export_name), removed.source.export_uid)
        yield subject, "Withdrawn", f"Secret {removed.secret_name} was deleted: {why}.", False
    export = observed.export
    if not observed.written or export is None:
        return
    spec, subject = spec_of(export), Subject(export.key, export.uid)
    if observed.repaired:
        note = f"Secret {spec.secret_name} had been changed or deleted by somebody else; it was written anew."
        yield subject, "Repaired", note, True
    elif export.status.secret_name != spec.secret_name:
        whose = "in plain" if spec.is_plain else "for its recipient" if spec.recipient else "sealed for spec.sealed"
        note = f"Secret {spec.secret_name} now holds a copy of the key of SSHCredential {spec.credential}, {whose}."
        yield subject, "Exported", note, False


def _told(reason: Reason, observed: Observed, export: Export) -> Told:
    before = export.status
    name = before.secret_name
    if isinstance(export.spec, ExportSpec) and _is_copy_of(export, export.spec.secret_name, observed):
        name = export.spec.secret_name
    if name is not None and name in observed.read and not _is_copy_of(export, name, observed):
        name = None
    if name is None:
        return Told(None, None, None)
    if reason is Reason.EXPORTED:
        key = record_of(observed).current_key
        return Told(name, key.key_number, key.fingerprint)
    return Told(name, before.key_number, before.fingerprint)


def _is_copy_of(export: Export, name: str, observed: Observed) -> bool:
    seen = observed.read.get(name)
    return isinstance(seen, Ours) and seen.proof.source == source_of(export)


def _admission(observed: Observed, export: Export) -> Admission | None:
    return verdict(export, observed.policy) if isinstance(observed.policy, Guarding) else export.status.admission
