"""The checks over a living credential, in their order: the first that has something to say decides.

Each is small, pure, and looks at one thing. One may ask for evidence first (`look`): nothing that stops a credential
rests on the watch alone, which may lag.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Generate, ImportFrom, Sealed, Spec, describe_key
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.keys.judge import Accepted
from sshcredential_operator.reconcile.decision import NOTHING, Act, Decision, Facts, Look
from sshcredential_operator.reconcile.identity_checks import (
    secret_does_not_open,
    secret_is_anothers,
    secret_is_foreign,
    secret_is_older,
)
from sshcredential_operator.reconcile.inputs import policy_refuses, what_the_input_lacks
from sshcredential_operator.reconcile.key_facts import facts_of
from sshcredential_operator.reconcile.narrow import spec_of
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.rewrap_checks import key_encryption_is_outdated
from sshcredential_operator.reconcile.rotation import newest_key
from sshcredential_operator.reconcile.rotation_checks import (
    next_has_come,
    previous_has_ended,
    rollback_is_asked,
    schedule_is_due,
    serial_is_raised,
)
from sshcredential_operator.reconcile.sealed_checks import (
    another_key_is_sealed,
    sealed_is_refused,
    staged_key_is_outdated,
)
from sshcredential_operator.reconcile.sources import can_be_recorded, describe_recorded_source, is_from

Check = Callable[[Observed, Credential], Decision | None]


def in_operator_namespace(observed: Observed, _: Credential) -> Decision | None:
    """The key ring's namespace is no workspace."""
    return None if observed.served else Decision(Reason.OPERATOR_NAMESPACE)


def spec_unreadable(_: Observed, credential: Credential) -> Decision | None:
    """A schema that is older or newer than this operator let something through."""
    spec = credential.spec
    return None if isinstance(spec, Spec) else Decision(Reason.SPEC_INVALID, {"field": spec.field})


def in_trouble(observed: Observed, _: Credential) -> Decision | None:
    """The API server did not do what this pass asked."""
    trouble = observed.trouble
    return Decision(trouble.reason, trouble.facts) if trouble else None


def name_is_taken(observed: Observed, credential: Credential) -> Decision | None:
    """spec.name is unique among the living credentials of a namespace."""
    if observed.rival is None:
        return None
    return Decision(Reason.NAME_CONFLICT, {"name": credential.claimed_name, "rival": observed.rival})


def being_deleted(_: Observed, credential: Credential) -> Decision | None:
    """Nothing is begun for an object that is on its way out."""
    return NOTHING if credential.deleting else None


def secret_is_gone(observed: Observed, credential: Credential) -> Decision | None:
    """There was a key, and its Secret is gone: only the very same key may take its place.

    Where a next key was announced, no input brings that one back.
    """
    facts = credential.status.facts
    if observed.secret is not None or facts is None:
        return None
    if not observed.secret_is_live:
        return Decision(Reason.SECRET_LOST, look=Look.SECRET)
    if isinstance(spec_of(credential).source, Generate) or credential.status.next is not None:
        return Decision(Reason.SECRET_LOST)
    if isinstance(observed.sealed, Seal) and observed.sealed.fingerprint != facts.fingerprint:
        return Decision(Reason.SECRET_LOST)
    if observed.input is None:
        return Decision(Reason.SECRET_LOST, look=Look.INPUT)
    same = isinstance(observed.input, Accepted) and observed.input.pair.public.fingerprint == facts.fingerprint
    return (
        Decision(Reason.CREATING, act=Act.CREATE) if same and can_be_recorded(facts) else Decision(Reason.SECRET_LOST)
    )


def key_is_to_be_made(observed: Observed, credential: Credential) -> Decision | None:
    """There never was a key: generate or import it. POST guards against a Secret that the watch has not shown yet."""
    if observed.secret is not None:
        return None
    spec = spec_of(credential)
    if isinstance(spec.source, ImportFrom | Sealed):
        if observed.input is None:
            return Decision(Reason.CREATING, look=Look.INPUT)
        if lack := what_the_input_lacks(observed.input, spec.source):
            return lack
    return policy_refuses(observed, spec) or Decision(Reason.CREATING, act=Act.CREATE)


def key_is_unproven(observed: Observed, credential: Credential) -> Decision | None:
    """What the status does not say yet of a key is said of a Secret that is there now.

    The watch may still show one that was just destroyed, or as it was before a status that is newer.
    """
    if not isinstance(observed.secret, Stored) or observed.secret_is_live:
        return None
    told, seen = credential.status.facts, facts_of(observed.secret.record, observed.secret.key_id)
    return None if told == seen else Decision(Reason.UPDATING if told else Reason.CREATING, look=Look.SECRET)


def adopted_key_differs(observed: Observed, credential: Credential) -> Decision | None:
    """A Secret is there for a credential without status, and the input brings another key."""
    if not isinstance(observed.secret, Stored) or credential.status.facts is not None:
        return None
    if not isinstance(spec_of(credential).source, ImportFrom):
        return None
    if observed.input is None:
        return Decision(Reason.CREATING, look=Look.INPUT)
    record = observed.secret.record
    stored = record.current_key.fingerprint
    if isinstance(observed.input, Accepted) and observed.input.pair.public.fingerprint != stored:
        brought = observed.input.pair.public.fingerprint
        facts: Facts = {"stored_fingerprint": stored, "input_fingerprint": brought, "serial": record.rotation_serial}
        return Decision(Reason.ADOPTED_KEY_DIFFERS, facts)
    return None


def source_changed(observed: Observed, credential: Credential) -> Decision | None:
    """Another source in the spec never changes a key by itself."""
    match observed.secret:
        case Stored(record=record) if not is_from(record.source, spec_of(credential).source):
            facts: Facts = {"stored_source": describe_recorded_source(record.source), "serial": record.rotation_serial}
            return Decision(Reason.SOURCE_CHANGED, facts)
    return None


def algorithm_changed(observed: Observed, credential: Credential) -> Decision | None:
    """Another algorithm or size in the spec never changes a key by itself. A staged key is the answer to a change."""
    match observed.secret, spec_of(credential).source:
        case Stored(record=record), Generate() as wanted:
            key = newest_key(record)
            if (key.algorithm, key.bits) != (wanted.algorithm, wanted.bits):
                stored = describe_key(key.algorithm, key.bits)
                facts: Facts = {"wanted": wanted.kind_of_key, "stored": stored, "serial": record.rotation_serial}
                return Decision(Reason.ALGORITHM_CHANGED, facts)
    return None


def record_is_outdated(observed: Observed, credential: Credential) -> Decision | None:
    """After the deletion only the record tells the policy, so it follows the spec; and who lives is no orphan."""
    match observed.secret:
        case Stored(record=record, orphaned_since=orphaned_since):
            spec = spec_of(credential)
            recorded = (record.deletion_policy, record.deletion_grace_period)
            if orphaned_since or recorded != (spec.deletion_policy, spec.deletion_grace_period):
                return Decision(Reason.UPDATING, act=Act.UPDATE_RECORD)
    return None


def all_is_well(_: Observed, __: Credential) -> Decision:
    """Nothing stands against it: the key is there and usable."""
    return Decision(Reason.AVAILABLE)


CHECKS: Final[tuple[Check, ...]] = (
    in_operator_namespace,
    spec_unreadable,
    in_trouble,
    secret_is_foreign,
    secret_does_not_open,
    secret_is_anothers,
    secret_is_older,
    being_deleted,
    record_is_outdated,
    previous_has_ended,
    staged_key_is_outdated,
    next_has_come,
    key_encryption_is_outdated,
    name_is_taken,
    key_is_unproven,
    sealed_is_refused,
    secret_is_gone,
    key_is_to_be_made,
    serial_is_raised,
    rollback_is_asked,
    another_key_is_sealed,
    adopted_key_differs,
    source_changed,
    algorithm_changed,
    schedule_is_due,
    all_is_well,
)
"""The order is part of the behaviour: what endangers a key comes before what the spec asks for.

An old mark or policy in the record does: it would decide at the next deletion. So it is mended in a stalled credential,
too.
"""
