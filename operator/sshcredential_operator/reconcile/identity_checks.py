"""Checks that the Secret is ours and is this credential's, before anything else is believed of it. Used by `checks`.

Nothing here rests on the watch alone, which may lag: each asks for the live Secret first.
"""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.status import KeyFacts, OtherKey
from sshcredential_operator.encryption.credential_secret import Unreadability
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.reconcile.decision import Decision, Facts, Look
from sshcredential_operator.reconcile.observed import Foreign, Observed, Stored, Unopened


def secret_is_foreign(observed: Observed, _: Credential) -> Decision | None:
    """Somebody's Secret of another type has our name."""
    if not isinstance(observed.secret, Foreign):
        return None
    return _proven(observed, Reason.SECRET_CONFLICT)


def secret_does_not_open(observed: Observed, _: Credential) -> Decision | None:
    """Our type and name, but not what we stored, or under a key that the key ring does not have."""
    if not isinstance(observed.secret, Unopened):
        return None
    unknown = observed.secret.why.why is Unreadability.UNKNOWN_KID
    return _proven(observed, Reason.KEY_UNAVAILABLE if unknown else Reason.SECRET_TAMPERED)


def secret_is_anothers(observed: Observed, credential: Credential) -> Decision | None:
    """The record opens, but its identity is not the one that the status names."""
    match observed.secret, credential.status.facts:
        case Stored(record=record), facts if facts and record.credential_id != facts.credential_id:
            return _proven(observed, Reason.SECRET_TAMPERED)
    return None


def secret_is_older(observed: Observed, credential: Credential) -> Decision | None:
    """An old copy of the Secret was put back."""
    match observed.secret, credential.status.facts:
        case Stored(record=record), facts if facts and record.current < facts.key_number:
            numbers = {"stored_number": record.current, "status_number": facts.key_number}
        case Stored(record=record), facts if facts and _lacks_what_was_announced(record, facts, credential.status.next):
            highest = record.highest_key_number  # the next number was given to a key that people may have installed
            numbers = {"stored_number": highest, "status_number": highest + 1}
        case _:
            return None
    return _proven(observed, Reason.ROLLBACK_DETECTED, numbers)


def _lacks_what_was_announced(record: Record, facts: KeyFacts, staged: OtherKey | None) -> bool:
    if record.current != facts.key_number:  # a status that lags says nothing of a record that went on
        return False
    missing = staged is not None and all(key.fingerprint != staged.fingerprint for key in record.keys)
    return missing or record.rotation_serial < facts.rotation_serial


def _proven(observed: Observed, reason: Reason, facts: Facts | None = None) -> Decision:
    return Decision(reason, facts or {}, look=None if observed.secret_is_live else Look.SECRET)
