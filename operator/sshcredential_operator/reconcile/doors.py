"""Which SSHTargets let a staged key in, and whether its promotion waits for them: pure. Used by checks, acts, status.

A target that names the credential and has not reported a login with the next key is a door that would be closed when
that key is in use. A person may open the way all the same, for one key by its fingerprint.
"""

from __future__ import annotations

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.reconcile.observed import Observed, Targets, Unseen
from sshcredential_operator.reconcile.rotation import newest_key, next_is_due

Closed = tuple[str, ...] | Unseen
"""The targets that do not let a key in, by name; or why that cannot be told."""


def is_staged_first(targets: Targets | Unseen) -> bool:
    """Whether a new key is announced before it is used, however long `prepare` is."""
    return isinstance(targets, Unseen) or bool(targets.doors)


def closed_to(fingerprint: str, targets: Targets | Unseen) -> Closed:
    """Return who does not let this key in."""
    if isinstance(targets, Unseen):
        return targets
    return tuple(door.name for door in targets.doors if fingerprint not in door.fingerprints)


def is_held(fingerprint: str, observed: Observed, credential: Credential) -> bool:
    """Whether the promotion of this key waits for targets."""
    return credential.forced_promotion != fingerprint and closed_to(fingerprint, observed.targets) != ()


def may_be_promoted(record: Record, observed: Observed, credential: Credential) -> bool:
    """Whether the staged key was announced for long enough, and every target lets it in."""
    return next_is_due(record, observed.now) and not is_held(newest_key(record).fingerprint, observed, credential)
