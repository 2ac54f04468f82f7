"""Write the status when it differs, and announce what deserves it.

The status is derived from the Secret, never the other way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Final, NamedTuple

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.messages import message
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.remarks import remarks
from sshcredential_operator.api.sealed_messages import SEALED_TEXTS
from sshcredential_operator.api.spec import ImportFrom, Spec
from sshcredential_operator.api.status import Status, conditions_for, merge_patch
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.reconcile.decision import Decision
from sshcredential_operator.reconcile.key_facts import facts_of
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.rotation_status import (
    OF_THE_SPEC,
    forced_promotion,
    next_key,
    not_over,
    previous_key,
    rotation_events,
    rotation_notes,
    scheduled,
    staged_condition,
    still_announced,
)
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.reconcile.usage import exposure, users

_ABOUT_ANOTHER_KEY: Final = {
    *SEALED_TEXTS,
    *(Reason(refusal.value) for refusal in KeyRefusal),
    Reason.NOT_ALLOWED_BY_POLICY,
    Reason.INPUT_SECRET_MISSING,
    Reason.INPUT_KEY_MISSING,
}
"""Why the key that is brought in the place of the stored one is not taken: the stored one was checked before."""


class Event(NamedTuple):
    """Something that happened once and that a person may want to know."""

    reason: str
    note: str
    warning: bool


async def report(decision: Decision, observed: Observed, world: World) -> bool:
    """PATCH the status if it differs, then announce; return whether it did. What changes nothing writes nothing."""
    credential = observed.credential
    if credential is None or decision.reason is None:
        return False
    wanted = status_for(decision.reason, decision, observed, credential)
    if wanted != credential.status:
        answer = await world.credentials.patch_status(credential, merge_patch(wanted, over=credential.status))
        if answer is None:
            raise TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=0)
        world.known.remember_credential(observed.key, answer)
        if isinstance(observed.secret, Stored) and observed.secret.made_for:  # now it is said
            world.known.remember_secret(observed.key, replace(observed.secret, made_for=None))
    for event in events_for(decision.reason, credential.status, wanted, observed):
        await _announce(event, credential, observed, world)
    return wanted != credential.status


async def tell_of_ends(observed: Observed, world: World) -> None:
    """Announce the previous keys that this pass destroyed; another change may follow before there is a status."""
    for fingerprint in observed.ended:
        event = Event("Destroyed", f"The previous key {fingerprint} was destroyed.", warning=False)
        await _announce(event, observed.credential, observed, world)


def status_for(reason: Reason, decision: Decision, observed: Observed, credential: Credential) -> Status:
    """Return the status that follows from a decision; pure."""
    before = credential.status
    facts = before.facts
    record = None
    if isinstance(observed.secret, Stored) and _knows_the_key(decision, before):
        record = observed.secret.record
        facts = facts_of(record, observed.secret.key_id)
    held = before.observed_generation if decision.holds_generation else credential.generation
    generation = min(held, credential.generation)
    notes = _notes(record, observed, credential) if record else _kept_notes(credential)
    text = message(reason, {"secret": observed.key.secret_name} | dict(decision.facts))
    if record and reason is Reason.AVAILABLE:
        text = f"{text} {remarks(notes, record.rotation_serial)}".strip()
    conditions = conditions_for(reason, text, generation, before, format_timestamp(observed.now))
    staged = next_key(record) if record else still_announced(before.next, observed)
    if staged:
        conditions = (*conditions, staged_condition(staged, generation, observed, credential))
    spec = credential.spec
    return Status(
        observed_generation=generation,
        conditions=conditions,
        name=credential.claimed_name,
        facts=facts,
        secret_name=observed.key.secret_name if facts else None,
        notes=notes,
        exposure=exposure(observed.use, before, has_key=facts is not None),
        rotates_at=scheduled(record, spec) if record and isinstance(spec, Spec) else before.rotates_at,
        next=staged,
        previous=previous_key(record, observed.now) if record else not_over(before.previous, observed.now),
        used_by=users(observed, before),
    )


async def _announce(event: Event, credential: Credential | None, observed: Observed, world: World) -> None:
    if credential:
        moment = observed.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        await world.announcer.announce(credential, event.reason, event.note, warning=event.warning, moment=moment)


def events_for(reason: Reason, before: Status, after: Status, observed: Observed) -> Iterator[Event]:
    """Return what is announced for this change of status; nothing on the plain path of a generated key."""
    new_key = before.facts is None and after.facts is not None
    made = observed.created or (new_key and _made_for_it(observed))
    if new_key and not made:
        yield Event("Adopted", f"Took over the key stored in Secret {observed.key.secret_name}.", warning=False)
    if made and _imports(observed):
        yield Event("Imported", _imported_note(observed), warning=False)
    for event, note in rotation_events(before, after):
        yield Event(event, note, warning=False)
    forced = observed.credential and forced_promotion(after, observed, observed.credential)
    if forced:
        yield Event("PromotionForced", forced, warning=True)
    was = COURSE.get(before.reason) if before.reason else None
    if COURSE[reason] is Course.STOP and before.reason is not reason:
        ready = after.ready
        yield Event("Stalled", f"{reason.value}: {ready.message if ready else ''}", warning=True)
    if reason is Reason.AVAILABLE and was is Course.STOP:
        yield Event("Recovered", "The credential is usable again.", warning=False)


def _knows_the_key(decision: Decision, before: Status) -> bool:
    # Only after every check of the record's identity. Any other record must not get into the status: the next pass
    # would compare it with itself.
    if decision.reason is Reason.SUSPENDED:
        return not decision.holds_generation
    if before.facts is not None and decision.reason in _ABOUT_ANOTHER_KEY:
        return True
    return decision.reason in {
        Reason.AVAILABLE,
        Reason.SOURCE_CHANGED,
        Reason.ALGORITHM_CHANGED,
        Reason.TOO_MANY_KEYS,
    }


def _notes(record: Record, observed: Observed, credential: Credential) -> tuple[str, ...]:
    notes = list(record.current_key.notes)
    present = observed.input_present
    if present is None:  # nobody has looked yet: keep what was said last
        present = Note.INPUT_SECRET_PRESENT.value in credential.status.notes
    if _imports(observed) and present:
        notes.append(Note.INPUT_SECRET_PRESENT.value)
    old_seal = observed.reseal_recommended
    if old_seal is None:  # the newest sealing key is not known yet
        old_seal = observed.sealed is not None and Note.RESEAL_RECOMMENDED.value in credential.status.notes
    if old_seal:
        notes.append(Note.RESEAL_RECOMMENDED.value)
    if isinstance(credential.spec, Spec):
        notes.extend(rotation_notes(record, credential.spec, observed))
    return tuple(notes)


def _kept_notes(credential: Credential) -> tuple[str, ...]:
    before = credential.status
    if before.facts is None:
        return ()
    # What is remarked of a spec says nothing of the next one.
    known = {*Note} - (OF_THE_SPEC if credential.generation != before.observed_generation else set())
    return tuple(note for note in before.notes if note in known)


def _made_for_it(observed: Observed) -> bool:
    """Whether the stored key was made for this very object, in an earlier pass that could not say so."""
    stored, credential = observed.secret, observed.credential
    return isinstance(stored, Stored) and credential is not None and stored.made_for == credential.uid


def _imports(observed: Observed) -> bool:
    spec = observed.credential.spec if observed.credential else None
    return isinstance(spec, Spec) and isinstance(spec.source, ImportFrom)


def _imported_note(observed: Observed) -> str:
    spec = observed.credential.spec if observed.credential else None
    name = spec.source.private_key.secret_name if isinstance(spec, Spec) and isinstance(spec.source, ImportFrom) else ""
    return (
        f"The private key of Secret {name} is now stored encrypted. That Secret still holds it in plaintext: "
        f"delete it with `kubectl delete secret {name}`; the credential lives on without it."
    )
