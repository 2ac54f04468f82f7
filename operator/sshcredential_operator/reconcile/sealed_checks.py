"""Checks of spec.sealed: is it for this credential, and does it hold another key than the stored one. Used by `checks`.

All by what the values say they are; they are opened only when their key is needed.
"""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.record import FromSealed
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.reconcile.decision import Act, Decision
from sshcredential_operator.reconcile.narrow import spec_of
from sshcredential_operator.reconcile.observed import Observed, SealRefused, Stored
from sshcredential_operator.reconcile.rotation import newest_key
from sshcredential_operator.reconcile.rotation_checks import replace_key


def sealed_is_refused(observed: Observed, _: Credential) -> Decision | None:
    """spec.sealed holds no sealed values, or values that are not for this credential. A stored key stays."""
    match observed.sealed:
        case SealRefused(reason, facts):
            return Decision(reason, facts)
    return None


def staged_key_is_outdated(observed: Observed, _: Credential) -> Decision | None:
    """A key is announced, and spec.sealed holds another one: that one is wanted, and the announced one never used."""
    match observed.secret, observed.sealed:
        case Stored(record=record), Seal(fingerprint=wanted) if (
            record.next and newest_key(record).fingerprint != wanted
        ):
            return Decision(Reason.ROTATING, act=Act.WITHDRAW)
    return None


def another_key_is_sealed(observed: Observed, credential: Credential) -> Decision | None:
    """spec.sealed holds another key than it did last: with a sealed key, that is how to ask for its replacement."""
    match observed.secret, observed.sealed:
        case Stored(record=record), Seal(fingerprint=wanted) if record.source != FromSealed(wanted):
            if newest_key(record).fingerprint == wanted:
                return Decision(Reason.UPDATING, act=Act.TAKE_SOURCE)
            return replace_key(observed, record, spec_of(credential))
    return None
