"""Whether a credential's Secret is to be put under another KEK now. Pure; used by `checks` and `decide`."""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.reconcile.decision import Act, Decision
from sshcredential_operator.reconcile.observed import Observed, Stored


def is_outdated(stored: Stored, kid: str) -> bool:
    """Whether any of the values is under another KEK than this one."""
    return stored.mixed or stored.key_id != kid


def rewrap_is_wanted(observed: Observed) -> bool:
    """Whether it is this one's turn. The operator gives turns; nothing else asks for it."""
    match observed.secret, observed.rewrap:
        case Stored() as stored, Rewrap(kek=kek):
            return is_outdated(stored, kek.kid)
    return False


def key_encryption_is_outdated(observed: Observed, _: Credential) -> Decision | None:
    """The workspace has a newer KEK. It changes no key, so it is done for stalled and suspended credentials, too."""
    return Decision(Reason.UPDATING, act=Act.REWRAP) if rewrap_is_wanted(observed) else None
