"""`reconcile/report.py`: the status and the events that follow from a decision, for every reason and any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.export_messages import EXPORT_TEXTS
from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.messages import CATALOGUE, MESSAGE_LIMIT, message
from sshcredential_operator.api.policy import Policy
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.sealed_messages import SEALED_TEXTS
from sshcredential_operator.api.spec import Rotation
from sshcredential_operator.api.status import Condition, KeyFacts, Status, User
from sshcredential_operator.encryption.record import PreviousKey
from sshcredential_operator.keys.judge import Refused
from sshcredential_operator.reconcile.decide import decide
from sshcredential_operator.reconcile.decision import Decision, Look
from sshcredential_operator.reconcile.key_facts import facts_of
from sshcredential_operator.reconcile.observed import Observed, SealRefused, Stored, Use
from sshcredential_operator.reconcile.report import events_for, status_for
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.observations import DETAIL, MISSING, SEEDS, observation
from unit.reconcile.samples import (
    ACCEPTED,
    FACTS,
    FROM_IMPORT,
    IMPORT,
    KEY,
    KID,
    NOW,
    OTHER_ID,
    OTHER_PAIR,
    SEALED,
    credential,
    observed,
    record,
    recorded,
    spec,
    stored,
    unhurried,
)

SEAL_FACTS: dict[str, str | int] = {
    name: name for name in ("field", "place", "kid", "sealed_field", "fingerprint", "other_fingerprint")
}
REQUEST: dict[str, str | int] = {"verb": "create", "resource": "secrets", "code": 403}
BEFORE = "2026-01-01T00:00:00Z"
NOW_TEXT = "2026-01-31T12:00:00Z"
NEW, HAS_KEY = credential(), credential(facts=FACTS)
KNOWS_THE_KEY = {Reason.AVAILABLE, Reason.ALGORITHM_CHANGED, Reason.SOURCE_CHANGED, Reason.TOO_MANY_KEYS}
ABOUT_ANOTHER_KEY = {*SEALED_TEXTS, *(Reason(refusal.value) for refusal in KeyRefusal), Reason.NOT_ALLOWED_BY_POLICY}


def said(reason: Reason, status: str = "False", facts: KeyFacts | None = FACTS, **changes: Any) -> Status:
    """Return a status whose last word was this reason."""
    ready = Condition("Ready", status, reason.value, "text", 1, BEFORE)
    more = [Condition("Stalled", "True", reason.value, "text", 1, BEFORE)] if COURSE[reason] is Course.STOP else []
    return Status(observed_generation=1, conditions=(ready, *more), facts=facts, **changes)


def decided(seen: Observed) -> Decision:
    """Return what is decided once the Secret was looked at, where that is asked for."""
    decision = decide(seen)
    return decide(replace(seen, secret_is_live=True)) if decision.look is Look.SECRET else decision


def status_of(seen: Observed, decision: Decision | None = None) -> Status:
    found = decision or decided(seen)
    assert found.reason
    assert seen.credential
    return status_for(found.reason, found, seen, seen.credential)


def events_of(seen: Observed) -> list[str]:
    decision = decided(seen)
    assert seen.credential
    assert decision.reason
    after = status_of(seen)
    return [event.reason for event in events_for(decision.reason, seen.credential.status, after, seen)]


# --- every reason, and any history


FULL = record(
    recorded(key_number=6),
    keys=tuple(recorded(key_number=number) for number in range(1, 7)),
    previous=tuple(PreviousKey(number, "2026-02-01T12:00:00Z") for number in range(1, 6)),
)
RARE = [
    *(observed(credential(spec(IMPORT)), input=Refused(refusal, detail=DETAIL)) for refusal in KeyRefusal),
    *(observed(credential(spec(IMPORT)), input=missing) for missing in MISSING),
    *(observed(credential(spec(SEALED)), sealed=SealRefused(reason, SEAL_FACTS)) for reason in SEALED_TEXTS),
    *(observed(NEW, trouble=TroubleError(reason, REQUEST)) for reason in Reason if COURSE[reason] is Course.RETRY),
    observed(credential(spec(rotation=Rotation(serial=1)), replace(FACTS, key_number=6)), secret=stored(FULL)),
]
"""Reasons that chance rarely brings."""


def test_every_reason_is_reached_and_told_and_no_rule_is_broken() -> None:
    reached = {told(seen) for seen in (*map(observation, range(2000)), *RARE)}

    assert reached - {None, *EXPORT_TEXTS} == set(Reason) - {Reason.PENDING, *EXPORT_TEXTS}


@settings(unhurried, max_examples=50)
@given(seed=SEEDS)
def test_no_rule_is_broken_by_others_either(seed: int) -> None:
    assert [told(observation(seed + step)) for step in range(20)]


def told(seen: Observed) -> Reason | None:
    decision = decide(seen)
    if seen.credential is not None and decision.reason is not None:
        hold_the_rules(status_of(seen, decision), seen.credential, decision, seen)
    return decision.reason


def hold_the_rules(after: Status, of: Credential, decision: Decision, seen: Observed) -> None:
    kinds = [condition.type for condition in after.conditions]
    assert len(kinds) == len(set(kinds))
    assert kinds[0] == "Ready"
    assert after.observed_generation <= of.generation
    assert after.extra == ()
    assert set(after.notes).isdisjoint({"forged"})
    assert after.name == of.claimed_name
    for condition in after.conditions:
        assert condition.observed_generation <= of.generation
        assert 0 < len(condition.message.encode()) <= MESSAGE_LIMIT
        assert "{" not in condition.message
    if decision.reason not in KNOWS_THE_KEY | {Reason.SUSPENDED} and (
        of.status.facts is None or decision.reason not in ABOUT_ANOTHER_KEY
    ):
        assert after.facts == of.status.facts
    if after.facts != of.status.facts:
        assert isinstance(seen.secret, Stored)
        assert after.facts == facts_of(seen.secret.record, KID)
    if after.ready and after.ready.status == "True":
        assert decision.reason in {Reason.AVAILABLE, Reason.SUSPENDED}


@pytest.mark.parametrize("reason", list(Reason))
def test_the_longest_facts_make_no_message_too_long(reason: Reason) -> None:
    class Longest(dict[str, Any]):
        def __missing__(self, name: str) -> str:
            return "\u00fc" * 5000

    filled = (CATALOGUE[reason].says + CATALOGUE[reason].do).format_map(Longest())
    places = {name for name in FACT_NAMES if f"{{{name}}}" in CATALOGUE[reason].says + CATALOGUE[reason].do}
    told = message(reason, dict.fromkeys(places, "\u00fc" * 5000))

    assert len(told.encode()) <= MESSAGE_LIMIT
    assert "\ufffd" not in told
    assert bool(places) == ("\u00fc" in filled)


FACT_NAMES = {
    *(
        "secret",
        "origin",
        "passphrase_field",
        "input_secret",
        "input_key",
        "stored_number",
        "status_number",
        "stored_fingerprint",
    ),
    *("input_fingerprint", "wanted", "stored", "stored_source", "name", "rival", "field", "verb", "resource", "code"),
    *("bits", "least", "most", "count", "until", "key", "allowed"),
    *("credential", "number", "line", "config_map", "config_map_key", "target"),
    *("place", "kid", "sealed_field", "fingerprint", "other_fingerprint"),
}


# --- single statuses


def test_a_new_key_fills_the_status() -> None:
    after = status_of(observed(NEW, secret=stored(), secret_is_live=True, created=True))

    assert after == Status(
        observed_generation=1,
        conditions=(
            Condition(
                "Ready",
                "True",
                "Available",
                "The key is stored encrypted in Secret hpc-login-sshcredential.",
                1,
                NOW_TEXT,
            ),
        ),
        name="hpc-login",
        facts=FACTS,
        secret_name=KEY.secret_name,
        exposure="Encrypted",
    )


def test_a_second_look_changes_nothing() -> None:
    first = status_of(observed(NEW, secret=stored(), secret_is_live=True))
    later = observed(credential(status=first), secret=stored(), now=NOW + timedelta(days=1))

    assert status_of(later) == first


A_USER, B_USER = User("SSHCredentialExport", "a"), User("SSHCredentialExport", "b")


@pytest.mark.parametrize(
    ("use", "before", "after"),
    [
        pytest.param(
            Use((), exported=False), Status(used_by=(A_USER,), exposure="Exported"), ("Encrypted", ()), id="no more"
        ),
        pytest.param(
            Use((A_USER,), exported=False), Status(), ("Encrypted", (A_USER,)), id="a user without a plain copy"
        ),
        pytest.param(Use((), exported=True), Status(), ("Exported", ()), id="a copy that is about to go"),
        pytest.param(Use((A_USER, B_USER), exported=True), Status(), ("Exported", (A_USER, B_USER)), id="two users"),
        pytest.param(None, Status(used_by=(A_USER,), exposure="Exported"), ("Exported", (A_USER,)), id="not known yet"),
        pytest.param(None, Status(), ("Encrypted", ()), id="not known yet, and never was"),
    ],
)
def test_who_uses_it_is_told_as_it_is(use: Use | None, before: Status, after: tuple[str, tuple[User, ...]]) -> None:
    told = status_of(observed(credential(status=before), secret=stored(), secret_is_live=True, use=use))

    assert (told.exposure, told.used_by) == after


def test_no_more_users_are_told_than_the_api_takes() -> None:
    many = tuple(User("SSHCredentialExport", f"e{number}") for number in range(200))

    assert len(status_of(observed(NEW, secret=stored(), use=Use(many, exported=True))).used_by) == 128


def test_without_a_key_there_is_nothing_to_tell_of_one() -> None:
    after = status_of(observed(NEW, rival="first"))

    assert (after.facts, after.secret_name, after.exposure, after.notes) == (None, None, None, ())
    assert after.name == "hpc-login"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stored(record(recorded(OTHER_PAIR), credential_id=OTHER_ID)), id="of another credential"),
        pytest.param(None, id="none"),
    ],
)
def test_a_stalled_credential_keeps_what_it_said_of_its_key(other: Stored | None) -> None:
    after = status_of(observed(HAS_KEY, secret=other, secret_is_live=True))

    assert after.facts == FACTS
    assert [(c.type, c.status) for c in after.conditions] == [("Ready", "False"), ("Stalled", "True")]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(said(Reason.AVAILABLE, "True"), BEFORE, id="was True before: it stays"),
        pytest.param(said(Reason.SECRET_LOST), NOW_TEXT, id="was False before: now"),
        pytest.param(said(Reason.PENDING, "Unknown"), NOW_TEXT, id="was unknown before: now"),
        pytest.param(Status(facts=FACTS), NOW_TEXT, id="was not there before: now"),
    ],
)
def test_the_time_of_the_transition_is_that_of_the_status(before: Status, expected: str) -> None:
    after = status_of(observed(credential(status=before, generation=9), secret=stored()))

    assert after.ready
    assert (after.ready.last_transition_time, after.ready.observed_generation) == (expected, 9)


def test_a_generation_from_the_future_is_not_kept() -> None:
    suspended = credential(spec(suspend=True), status=Status(observed_generation=999), generation=3)

    assert status_of(observed(suspended)).observed_generation == 3


@pytest.mark.parametrize("word", ["True", "False", "Unknown"])
def test_a_suspended_credential_keeps_its_last_word(word: str) -> None:
    held = credential(spec(suspend=True), status=said(Reason.SECRET_LOST, word))
    after = status_of(observed(held, secret=stored()))

    assert [(c.type, c.status, c.reason) for c in after.conditions] == [
        ("Ready", word, "Suspended"),
        ("Stalled", "True", "SecretLost"),
    ]
    again = replace(held, status=after)
    assert status_of(observed(again, secret=stored())) == after


def test_who_was_never_looked_at_and_is_suspended_is_neither_ready_nor_not() -> None:
    after = status_of(observed(credential(spec(suspend=True))))

    assert [(c.type, c.status) for c in after.conditions] == [("Ready", "Unknown")]
    assert after.observed_generation == 0


@pytest.mark.parametrize(
    ("present", "before", "after"),
    [
        pytest.param(True, (), ("InputSecretPresent",), id="it is there"),
        pytest.param(False, ("InputSecretPresent",), (), id="it is gone"),
        pytest.param(None, ("InputSecretPresent",), ("InputSecretPresent",), id="nobody knows: as before"),
        pytest.param(None, (), (), id="nobody knows: as before, nothing"),
    ],
)
def test_the_input_secret_is_told_of_as_long_as_it_is_there(
    present: bool | None, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    imported = credential(spec(IMPORT), status=Status(facts=FACTS, notes=before))
    seen = observed(imported, secret=stored(record(source=FROM_IMPORT)), input_present=present)

    assert status_of(seen).notes == after


# --- events


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(observed(NEW, secret=stored(), secret_is_live=True, created=True), [], id="generated: nothing"),
        pytest.param(observed(NEW, secret=stored(), secret_is_live=True), ["Adopted"], id="adopted"),
        pytest.param(
            observed(
                credential(spec(IMPORT)),
                secret=stored(record(source=FROM_IMPORT)),
                secret_is_live=True,
                input=ACCEPTED,
                created=True,
            ),
            ["Imported"],
            id="imported",
        ),
        pytest.param(observed(HAS_KEY, secret_is_live=True), ["Stalled"], id="lost"),
        pytest.param(
            observed(credential(status=said(Reason.SECRET_LOST)), secret_is_live=True), [], id="still lost: nothing"
        ),
        pytest.param(
            observed(credential(status=said(Reason.SECRET_CONFLICT)), secret_is_live=True),
            ["Stalled"],
            id="stalled for another reason",
        ),
        pytest.param(
            observed(credential(status=said(Reason.SECRET_LOST)), secret=stored()), ["Recovered"], id="recovered"
        ),
        pytest.param(
            observed(credential(status=said(Reason.SERVER_UNAVAILABLE)), secret=stored()),
            [],
            id="trouble that passed: nothing",
        ),
    ],
)
def test_what_deserves_it_is_announced(seen: Observed, expected: list[str]) -> None:
    assert events_of(seen) == expected


def test_a_stall_is_a_warning_that_says_why_and_what_to_do() -> None:
    seen = observed(HAS_KEY, secret_is_live=True)
    [event] = events_for(Reason.SECRET_LOST, HAS_KEY.status, status_of(seen), seen)

    assert event.warning
    assert event.note.startswith("SecretLost: Secret hpc-login-sshcredential, which held the private key, is gone.")


def test_an_import_says_that_the_plain_secret_can_go() -> None:
    imports = credential(spec(IMPORT))
    seen = observed(imports, secret=stored(record(source=FROM_IMPORT)), input=ACCEPTED, created=True)
    [event] = events_for(Reason.AVAILABLE, imports.status, status_of(seen, Decision(Reason.AVAILABLE)), seen)

    assert not event.warning
    assert "kubectl delete secret my-key" in event.note


# --- remarks

NOWHERE = "SHA256:" + "A" * 43


@pytest.mark.parametrize(
    ("rotation", "policy", "note", "says"),
    [
        (Rotation(serial=1), Policy(), Note.SERIAL_IGNORED, "spec.rotation.serial is lower than 2, "),
        (
            Rotation(serial=2, rollback_to=NOWHERE),
            Policy(),
            Note.ROLLBACK_TARGET_MISSING,
            "No key with the fingerprint in spec.rotation.rollbackTo is stored, ",
        ),
        (
            Rotation(serial=2),
            Policy(longest_age=timedelta(hours=1)),
            Note.ROTATION_DUE,
            "The key is older than the policy of this workspace wants: raise spec.rotation.serial above 2 ",
        ),
    ],
    ids=["a serial that fell", "a way back to nowhere", "a key that is too old"],
)
def test_ready_says_what_nothing_came_of(rotation: Rotation, policy: Policy, note: Note, says: str) -> None:
    held = replace(record(), rotation_serial=2, rollback_to=rotation.rollback_to)
    asking = credential(spec(rotation=rotation), facts_of(held, KID))

    status = status_of(observed(asking, secret=stored(held), policy=policy))

    assert status.notes == (note.value,)
    assert status.ready is not None
    plain = message(Reason.AVAILABLE, {"secret": KEY.secret_name})
    assert status.ready.message.startswith(f"{plain} {says}")


def test_what_is_remarked_of_a_spec_is_not_said_of_the_next_one() -> None:
    notes = (Note.NO_PASSPHRASE.value, Note.SERIAL_IGNORED.value, Note.ROLLBACK_TARGET_MISSING.value)
    before = Status(observed_generation=1, facts=FACTS, notes=notes)
    refused = Decision(Reason.NOT_ALLOWED_BY_POLICY, {"key": "RSA 3072", "allowed": "Ed25519"})
    for generation, kept in ((1, notes), (2, notes[:1])):
        asking = credential(spec(rotation=Rotation(serial=1)), generation=generation, status=before)

        assert status_of(observed(asking), refused).notes == kept


def test_facts_come_from_the_current_key_of_the_record() -> None:
    second = recorded(OTHER_PAIR, 2, passphrase_protected=True)
    facts = facts_of(record(second, rotation_serial=7), "kid")

    assert facts == KeyFacts(
        credential_id=FACTS.credential_id,
        key_number=2,
        rotation_serial=7,
        algorithm="Ed25519",
        bits=256,
        fingerprint=OTHER_PAIR.public.fingerprint,
        public_key=OTHER_PAIR.public.line,
        passphrase_protected=True,
        created_at=second.created_at,
        key_id="kid",
    )
