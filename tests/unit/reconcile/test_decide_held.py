"""`reconcile/decide.py`: what is done for a suspended credential, and for a Secret whose credential is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.credential_secret import Unreadability
from sshcredential_operator.reconcile.decide import CLOCKS_APART, decide
from sshcredential_operator.reconcile.decision import NOTHING, Act, Decision, Look
from sshcredential_operator.reconcile.observed import Observed
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.samples import (
    ACCEPTED,
    FACTS,
    FOREIGN,
    IMPORT,
    NOW,
    OTHER_ID,
    ago,
    credential,
    observed,
    record,
    spec,
    stored,
    unopened,
)

NEW, HAS_KEY = credential(), credential(facts=FACTS)
LIVE: dict[str, Any] = {"secret_is_live": True}
UPDATE = Decision(Reason.UPDATING, act=Act.UPDATE_RECORD)
TROUBLE = TroubleError(Reason.FORBIDDEN, {"verb": "create", "resource": "secrets", "code": 403})
UNKNOWN, BROKEN = unopened(Unreadability.UNKNOWN_KID), unopened(Unreadability.DOES_NOT_OPEN)


def first_a_look(reason: Reason, **facts: str | int) -> Decision:
    return Decision(reason, facts, look=Look.SECRET)


def row(name: str, seen: Observed, expected: Decision) -> Any:
    return pytest.param(seen, expected, id=name)


# --- suspended


HELD = Decision(Reason.SUSPENDED, holds_generation=True)
ANSWERED = Decision(Reason.SUSPENDED)
STOPPED = spec(suspend=True)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        row("no key yet: none is made", observed(credential(STOPPED)), HELD),
        row("all is well", observed(credential(STOPPED, FACTS), secret=stored()), ANSWERED),
        row(
            "no key yet, importFrom: its input is not even read",
            observed(credential(spec(IMPORT, suspend=True))),
            HELD,
        ),
        row(
            "a Secret to adopt is looked at",
            observed(credential(STOPPED), secret=stored()),
            first_a_look(Reason.CREATING),
        ),
        row("a Secret to adopt is not adopted", observed(credential(STOPPED), secret=stored(), **LIVE), HELD),
        row(
            "the record follows the deletion policy: it touches no key, and may save one",
            observed(credential(spec(suspend=True, deletion_grace_period="1h"), FACTS), secret=stored()),
            Decision(Reason.UPDATING, act=Act.UPDATE_RECORD),
        ),
        row(
            "a mark is taken off: at the next deletion it would cost the grace period",
            observed(credential(STOPPED, FACTS), secret=stored(orphaned_since=ago(days=1))),
            Decision(Reason.UPDATING, act=Act.UPDATE_RECORD),
        ),
        row("trouble is held", observed(credential(STOPPED, FACTS), secret=stored(), trouble=TROUBLE), HELD),
        row("a lost Secret is looked for", observed(credential(STOPPED, FACTS)), first_a_look(Reason.SECRET_LOST)),
        row("a lost Secret is told", observed(credential(STOPPED, FACTS), **LIVE), Decision(Reason.SECRET_LOST)),
        row(
            "a lost import is told, though its input is there",
            observed(credential(spec(IMPORT, suspend=True), FACTS), input=ACCEPTED, **LIVE),
            Decision(Reason.SECRET_LOST),
        ),
        row(
            "a swapped Secret is told",
            observed(credential(STOPPED, FACTS), secret=stored(record(credential_id=OTHER_ID)), **LIVE),
            Decision(Reason.SECRET_TAMPERED),
        ),
        row("on its way out", observed(credential(STOPPED, deleting=True)), NOTHING),
    ],
)
def test_a_suspended_credential(seen: Observed, expected: Decision) -> None:
    assert decide(seen) == expected


# --- a Secret whose credential is gone


GONE: dict[str, Any] = {"credential_is_live": True}
LOOK_FOR_IT = replace(NOTHING, look=Look.CREDENTIAL)
MARK, DESTROY = replace(NOTHING, act=Act.MARK_ORPHAN), replace(NOTHING, act=Act.DESTROY)
OVER = stored(orphaned_since=ago(days=7))


def until(moment: datetime) -> Decision:
    return replace(NOTHING, due=moment)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        row("nothing is there", observed(), NOTHING),
        row("that the credential is gone is looked at live first", observed(secret=OVER, **LIVE), LOOK_FOR_IT),
        row("not marked yet: marked", observed(secret=stored(), **GONE), MARK),
        row(
            "not marked yet, no grace period: marked all the same",
            observed(secret=stored(record(deletion_grace_period="0s")), **GONE, **LIVE),
            MARK,
        ),
        row(
            "marked: kept until its grace period ends",
            observed(secret=stored(orphaned_since=ago(days=6)), **GONE),
            until(NOW + timedelta(days=1)),
        ),
        row(
            "its grace period is over: looked at live first",
            observed(secret=OVER, **GONE),
            replace(NOTHING, look=Look.SECRET),
        ),
        row("its grace period is over: destroyed", observed(secret=OVER, **GONE, **LIVE), DESTROY),
        row(
            "marked a little in the future by another clock: kept",
            observed(secret=stored(orphaned_since=NOW + timedelta(minutes=10)), **GONE),
            until(NOW + timedelta(days=7, minutes=10)),
        ),
        row(
            "marked in the far future: marked anew",
            observed(secret=stored(orphaned_since=NOW + CLOCKS_APART * 2), **GONE),
            MARK,
        ),
        row(
            "marked at the end of time: marked anew",
            observed(secret=stored(orphaned_since=datetime.max.replace(tzinfo=NOW.tzinfo)), **GONE),
            MARK,
        ),
        row(
            "Retain: kept for ever",
            observed(secret=stored(record(deletion_policy="Retain"), ago(days=900)), **GONE, **LIVE),
            NOTHING,
        ),
        row(
            "a grace period that cannot be read is the longest",
            observed(secret=stored(record(deletion_grace_period="1.5h"), ago(days=900)), **GONE, **LIVE),
            until(ago(days=900) + timedelta(hours=87600)),
        ),
        row("it does not open: kept", observed(secret=BROKEN, **GONE, **LIVE), NOTHING),
        row("its key is unknown: kept", observed(secret=UNKNOWN, **GONE, **LIVE), NOTHING),
        row("another's: kept", observed(secret=FOREIGN, **GONE, **LIVE), NOTHING),
        row("destroyed just now", observed(secret=OVER, destroyed=True, **GONE, **LIVE), NOTHING),
        row("trouble: nothing now", observed(secret=OVER, trouble=TROUBLE, **GONE, **LIVE), NOTHING),
    ],
)
def test_a_secret_whose_credential_is_gone(seen: Observed, expected: Decision) -> None:
    assert decide(seen) == expected


def test_a_credential_that_was_found_after_all_is_a_living_one() -> None:
    assert decide(observed(HAS_KEY, secret=OVER, credential_is_live=True)) == UPDATE
