"""`api/status.py`: read, compared and written; what does not fit never raises, and is overwritten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.status import (
    READY,
    RECONCILING,
    STALLED,
    Condition,
    KeyFacts,
    Status,
    User,
    conditions_for,
    merge_patch,
    parse_status,
)
from unit.api.merge_patches import merged

BEFORE = "2026-01-01T00:00:00Z"
NOW = "2026-01-31T12:00:00Z"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FACTS = st.builds(
    KeyFacts,
    credential_id=st.text(max_size=8),
    key_number=st.integers(0, 2**31),
    rotation_serial=st.integers(0, 2**53),
    algorithm=st.sampled_from(["Ed25519", "ECDSA", "RSA"]),
    bits=st.integers(0, 8192),
    fingerprint=st.text(max_size=8),
    public_key=st.text(max_size=8),
    passphrase_protected=st.booleans(),
    created_at=st.text(max_size=8),
    key_id=st.text(max_size=8),
)
CONDITIONS = st.lists(
    st.builds(
        Condition,
        type=st.sampled_from([READY, RECONCILING, STALLED]),
        status=st.sampled_from(["True", "False", "Unknown"]),
        reason=st.sampled_from([reason.value for reason in Reason]),
        message=st.text(max_size=8),
        observed_generation=st.integers(0, 9),
        last_transition_time=st.sampled_from([BEFORE, NOW]),
    ),
    max_size=3,
    unique_by=lambda condition: condition.type,
).map(tuple)
STATUSES = st.builds(
    Status,
    observed_generation=st.integers(0, 9),
    conditions=CONDITIONS,
    name=st.none() | st.text(max_size=8),
    facts=st.none() | FACTS,
    secret_name=st.none() | st.text(max_size=8),
    notes=st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple),
    exposure=st.none() | st.sampled_from(["Encrypted", "Exported"]),
    used_by=st.lists(st.builds(User, st.text(max_size=8), st.text(max_size=8)), max_size=3).map(tuple),
)
MEMBERS = sorted(
    merge_patch(Status(), over=Status()).keys() | {"privateKey", "observedgeneration"},
)
FULL = Status(
    observed_generation=3,
    conditions=(Condition(READY, "True", "Available", "All is well.", 3, BEFORE),),
    name="hpc_login",
    facts=KeyFacts("id", 1, 0, "Ed25519", 256, "SHA256:x", "ssh-ed25519 x", False, BEFORE, "kid"),
    secret_name="hpc-login-sshcredential",
    notes=("NoPassphrase",),
    exposure="Encrypted",
)


def written(status: Status, over: Any) -> Any:
    """Return what lies there after a status was written over something."""
    return merged(over, merge_patch(status, over=parse_status(over)))


@settings(max_examples=30, deadline=None)
@given(STATUSES)
def test_what_is_written_is_read_back(status: Status) -> None:
    assert parse_status(written(status, {})) == status


@settings(max_examples=30, deadline=None)
@given(status=STATUSES, before=STATUSES)
def test_a_status_replaces_another_one_completely(status: Status, before: Status) -> None:
    assert parse_status(written(status, written(before, {}))) == status


@settings(max_examples=60, deadline=None)
@given(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_nothing_that_lies_there_raises_and_all_of_it_is_overwritten(raw: Any) -> None:
    garbage = raw if isinstance(raw, dict) else {}
    assert isinstance(parse_status(raw), Status)

    after = written(FULL, garbage)

    assert parse_status(after) == FULL
    rest = {name: value for name, value in after.items() if value is not None}
    assert rest | {"encryption": {"keyId": "kid"}} == written(FULL, {})


@pytest.mark.parametrize(
    "vandalism",
    [
        pytest.param({"privateKey": "mine"}, id="a member that there is not"),
        pytest.param({"observedGeneration": "3"}, id="a generation as text"),
        pytest.param({"observedGeneration": True}, id="a generation that is true"),
        pytest.param({"conditions": "fine"}, id="conditions as text"),
        pytest.param({"conditions": [None, 1, "x", []]}, id="conditions that are none"),
        pytest.param({"notes": 1}, id="notes as a number"),
        pytest.param({"notes": ["NoPassphrase", 1]}, id="a note that is a number"),
        pytest.param({"notes": []}, id="no notes"),
        pytest.param({"keyNumber": "1"}, id="a fact of another type"),
        pytest.param({"keyNumber": True}, id="a number that is true"),
        pytest.param({"passphraseProtected": 0}, id="a flag that is a number"),
        pytest.param({"encryption": None}, id="no key id"),
        pytest.param({"encryption": []}, id="encryption as a list"),
        pytest.param({"name": {}}, id="a name that is an object"),
        pytest.param({"usedBy": [{"kind": "Job", "name": "a"}]}, id="a user that there is not"),
        pytest.param({"usedBy": [{"kind": "Job", "name": 1}, 2]}, id="users that are none"),
    ],
)
def test_a_status_that_somebody_changed_differs_from_the_one_that_was_written(vandalism: dict[str, Any]) -> None:
    changed = written(FULL, {}) | vandalism

    assert parse_status(changed) != FULL
    assert written(FULL, changed) == written(FULL, {})


def test_facts_are_whole_or_none() -> None:
    for member in ("credentialId", "keyNumber", "fingerprint", "encryption"):
        partial = {name: value for name, value in written(FULL, {}).items() if name != member}
        assert parse_status(partial).facts is None
        assert written(FULL, partial) == written(FULL, {})


@pytest.mark.parametrize(
    ("ready", "reason"), [("Available", Reason.AVAILABLE), ("Mine", None), ("", None), ("AVAILABLE", None)]
)
def test_a_reason_that_is_not_ours_is_none(ready: str, reason: Reason | None) -> None:
    assert Status(conditions=(Condition(READY, "True", ready, "", 1, NOW),)).reason is reason


EXPECTED: dict[Course, list[tuple[str, str]]] = {
    Course.READY: [(READY, "True")],
    Course.WORK: [(READY, "False"), (RECONCILING, "True")],
    Course.WAIT: [(READY, "False"), (RECONCILING, "True")],
    Course.RETRY: [(READY, "False"), (RECONCILING, "True")],
    Course.STOP: [(READY, "False"), (STALLED, "True")],
}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.SUSPENDED])
def test_a_reason_shows_in_the_conditions_as_kstatus_means_them(reason: Reason) -> None:
    conditions = conditions_for(reason, "text", 4, Status(), NOW)

    assert [(c.type, c.status) for c in conditions] == EXPECTED[COURSE[reason]]
    assert {(c.reason, c.message, c.observed_generation, c.last_transition_time) for c in conditions} == {
        (reason.value, "text", 4, NOW)
    }


def test_the_time_of_the_transition_stays_as_long_as_the_status_stays() -> None:
    before = Status(conditions=conditions_for(Reason.SECRET_LOST, "text", 1, Status(), BEFORE))

    other = conditions_for(Reason.SECRET_CONFLICT, "another text", 2, before, NOW)
    assert [c.last_transition_time for c in other] == [BEFORE, BEFORE]
    waiting = conditions_for(Reason.INPUT_SECRET_MISSING, "text", 2, before, NOW)
    assert [(c.type, c.last_transition_time) for c in waiting] == [(READY, BEFORE), (RECONCILING, NOW)]
    well = conditions_for(Reason.AVAILABLE, "text", 2, before, NOW)
    assert [c.last_transition_time for c in well] == [NOW]


@pytest.mark.parametrize("time", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+01:00"])
def test_a_time_of_transition_that_is_none_of_ours_is_not_kept(time: str) -> None:
    good = conditions_for(Reason.AVAILABLE, "text", 1, Status(), BEFORE)[0]
    before = Status(conditions=(replace_time(good, time),))

    assert conditions_for(Reason.AVAILABLE, "text", 1, before, NOW)[0].last_transition_time == NOW


def replace_time(condition: Condition, time: str) -> Condition:
    return condition._replace(last_transition_time=time)


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (None, [(READY, "Unknown", "Suspended")]),
        (Reason.AVAILABLE, [(READY, "True", "Suspended")]),
        (Reason.SECRET_LOST, [(READY, "False", "Suspended"), (STALLED, "True", "SecretLost")]),
    ],
)
def test_what_is_suspended_keeps_its_last_word(before: Reason | None, kept: list[tuple[str, str, str]]) -> None:
    status = Status(conditions=conditions_for(before, "text", 1, Status(), BEFORE)) if before else Status()
    held = conditions_for(Reason.SUSPENDED, "text", 2, status, NOW)

    assert [(c.type, c.status, c.reason) for c in held] == kept
    assert held[1:] == status.conditions[1:]


def test_members_that_do_not_fit_are_not_shown() -> None:
    assert "mine" not in repr(replace(FULL, extra=("mine",)))
