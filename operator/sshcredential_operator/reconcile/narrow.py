"""What earlier checks have made sure of, said to the type checker. A TypeError here is a defect of this program."""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.spec import Spec
from sshcredential_operator.reconcile.observed import Observed, Stored


def spec_of(credential: Credential | None) -> Spec:
    """Return the spec; `spec_unreadable` comes before all that ask."""
    if credential is None or not isinstance(credential.spec, Spec):
        raise TypeError
    return credential.spec


def stored_in(observed: Observed) -> Stored:
    """Return the opened Secret; only checks that saw one ask for acts that need it."""
    if not isinstance(observed.secret, Stored):
        raise TypeError
    return observed.secret
