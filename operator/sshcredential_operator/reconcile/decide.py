"""What is to be done for one credential, or for a Secret whose credential is gone: pure.

No clock, client or environment in here: the same observation always gives the same decision. Nothing that destroys
rests on the watch alone, which may lag: such a decision asks for live evidence first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.reasons import COURSE, KEY_IN_DOUBT, Course, Reason
from sshcredential_operator.api.spec import DeletionPolicy, Spec
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.reconcile.checks import CHECKS
from sshcredential_operator.reconcile.decision import NOTHING, Act, Decision, Look
from sshcredential_operator.reconcile.observed import Observed, Stored
from sshcredential_operator.reconcile.rewrap_checks import rewrap_is_wanted
from sshcredential_operator.reconcile.rotation import LINGER, changes, overdue_from
from sshcredential_operator.reconcile.rotation_checks import shows_an_ended_key
from sshcredential_operator.reconcile.sources import grace_period

CLOCKS_APART: Final = timedelta(days=1)
"""A mark that is further in the future was not made by an operator, and would keep the Secret for ever."""


def decide(observed: Observed) -> Decision:
    """Return what is to be done; total, and the same for the same observation."""
    if observed.credential is None:
        return decide_orphan(observed)
    decision = next(d for check in CHECKS if (d := check(observed, observed.credential)))
    if _is_suspended(observed.credential):
        decision = _suspended(decision, observed.credential)
    if decision.reason is None:
        return decision
    if not (observed.secret_is_live or observed.trouble) and _is_better(decision, observed, observed.credential):
        return Decision(Reason.UPDATING, look=Look.SECRET)  # the watch may show a Secret from before that status
    to_come = [moment for moment in _moments(decision, observed, observed.credential) if moment > observed.now]
    return replace(decision, due=min(to_come, default=None))


def _moments(decision: Decision, observed: Observed, credential: Credential) -> Iterator[datetime]:
    # Keys are promoted and end by the clock, whatever else is to be said of the credential.
    shown = credential.status.previous
    until = parse_timestamp(shown.moment) if shown else None
    yield from (moment for moment in (decision.due, until) if moment)
    if not isinstance(observed.secret, Stored) or not isinstance(credential.spec, Spec):
        return
    record = observed.secret.record
    yield from changes(record, credential.spec, observed.now)
    if overdue := overdue_from(record, observed.policy.longest_age):
        yield overdue
    if shows_an_ended_key(observed, credential):  # this pass' report takes it from the status
        yield observed.now + LINGER


def _is_better(decision: Decision, observed: Observed, credential: Credential) -> bool:
    """Whether the status would turn green, or say no more that the key is in doubt."""
    if decision.act or decision.look or not isinstance(observed.secret, Stored):
        return False
    if credential.status.reason in KEY_IN_DOUBT:
        return decision.reason not in KEY_IN_DOUBT
    ready = credential.status.ready
    return decision.reason is Reason.AVAILABLE and not (ready and ready.status == "True")


def _is_suspended(credential: Credential) -> bool:
    return isinstance(credential.spec, Spec) and credential.spec.suspend


def _suspended(decision: Decision, credential: Credential) -> Decision:
    """Hold all changes of keys. What is wrong with the key is still told: suspending is no way to a false green.

    The record still follows the deletion policy, and who came back is no orphan any more: it only ever matters when the
    credential is deleted, and then a key would be destroyed that was to be kept.
    """
    if decision.look is Look.SECRET or decision.reason is None or COURSE[decision.reason] is Course.STOP:
        return decision
    if decision.act in {Act.UPDATE_RECORD, Act.REWRAP}:
        return decision
    if decision.act is Act.CREATE and credential.status.facts is not None:
        return Decision(Reason.SECRET_LOST)  # its input is still there, but nothing is made now
    answered = decision.reason is Reason.AVAILABLE and credential.status.facts is not None
    return Decision(Reason.SUSPENDED, holds_generation=not answered)


def decide_orphan(observed: Observed) -> Decision:
    """A Secret of ours without its credential: marked, kept for its grace period, then destroyed; Retain keeps it.

    Without a mark nothing is destroyed, even if there is no grace period: who adopts the key takes the mark off, and
    the deletion, which names the marked revision, then fails.
    """
    secret = observed.secret
    if not isinstance(secret, Stored) or observed.destroyed or observed.trouble:
        return NOTHING
    if rewrap_is_wanted(observed):
        return replace(NOTHING, act=Act.REWRAP)
    if secret.record.deletion_policy != DeletionPolicy.DELETE:
        return NOTHING
    if not observed.credential_is_live:
        return replace(NOTHING, look=Look.CREDENTIAL)
    since = secret.orphaned_since
    if since is None or since > observed.now + CLOCKS_APART:
        return replace(NOTHING, act=Act.MARK_ORPHAN)
    ends = since + grace_period(secret.record)
    if ends > observed.now:
        return replace(NOTHING, due=ends)
    return replace(NOTHING, act=Act.DESTROY) if observed.secret_is_live else replace(NOTHING, look=Look.SECRET)
