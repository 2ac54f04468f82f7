"""`controller/store.py`: what is known, whatever order events, answers and lists come in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller import store as store_module
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.reconcile.observed import Foreign
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.objects import FACTS, GENOMICS, PHYSICS, credential, key, secret

A, B, C = key("aa"), key("bb"), key("cc")
FORBIDDEN = TroubleError(Reason.FORBIDDEN, {"verb": "list", "resource": "secrets"})


def known_version(store: Store, of: CredentialKey = A) -> str | None:
    found = store.credential(of)
    return found.resource_version if found else None


def secret_version(store: Store, of: CredentialKey = A) -> str | None:
    found = store.secret(of)
    return found.resource_version if found else None


# --- events


def test_an_event_is_kept_and_asks_for_a_pass() -> None:
    store = Store()

    assert set(store.saw_credential(credential("aa", 1), deleted=False)) == {A}
    assert set(store.saw_secret(A, secret(2), deleted=False)) == {A}
    assert (known_version(store), secret_version(store)) == ("1", "2")


@pytest.mark.parametrize("version", [1, 2], ids=["older", "the same again"])
def test_an_event_that_tells_nothing_new_asks_for_nothing(version: int) -> None:
    store = Store()
    store.saw_credential(credential("aa", 2), deleted=False)
    store.saw_secret(A, secret(2), deleted=False)

    assert set(store.saw_credential(credential("aa", version), deleted=False)) == set()
    assert set(store.saw_secret(A, secret(version), deleted=False)) == set()
    assert (known_version(store), secret_version(store)) == ("2", "2")


def test_versions_are_compared_as_numbers() -> None:
    store = Store()
    store.saw_credential(credential("aa", 9), deleted=False)
    store.saw_credential(credential("aa", 10), deleted=False)

    assert known_version(store) == "10"


def test_an_end_removes_and_asks_for_a_pass() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1), deleted=False)
    store.saw_secret(A, secret(2), deleted=False)

    assert set(store.saw_credential(credential("aa", 3), deleted=True)) == {A}
    assert set(store.saw_secret(A, secret(4), deleted=True)) == {A}
    assert (known_version(store), secret_version(store)) == (None, None)


def test_the_end_of_an_object_that_was_made_again_meanwhile_removes_nothing() -> None:
    store = Store()
    store.saw_credential(credential("aa", 7), deleted=False)
    store.saw_credential(credential("aa", 6), deleted=True)

    assert known_version(store) == "7"


# --- answers to our own requests


def test_an_answer_is_kept_until_the_watch_shows_something_newer() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1), deleted=False)
    store.remember_credential(A, credential("aa", 3))
    assert known_version(store) == "3"

    assert set(store.saw_credential(credential("aa", 2), deleted=False)) == set()
    assert set(store.saw_credential(credential("aa", 3), deleted=False)) == set()
    assert set(store.saw_credential(credential("aa", 4), deleted=False)) == {A}
    assert known_version(store) == "4"


def test_an_answer_that_the_watch_overtook_is_dropped() -> None:
    store = Store()
    store.saw_credential(credential("aa", 5), deleted=False)
    store.saw_secret(A, secret(5), deleted=False)
    store.remember_credential(A, credential("aa", 4))
    store.remember_secret(A, secret(4))

    assert (known_version(store), secret_version(store)) == ("5", "5")


def test_an_answer_that_comes_after_the_objects_end_does_not_bring_it_back() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1), deleted=False)
    store.saw_credential(credential("aa", 5), deleted=True)
    store.saw_secret(A, secret(6), deleted=True)
    store.remember_credential(A, credential("aa", 4))
    store.remember_secret(A, secret(4))

    assert (known_version(store), secret_version(store)) == (None, None)


def test_what_was_made_again_after_the_end_is_kept() -> None:
    store = Store()
    store.saw_credential(credential("aa", 5), deleted=True)
    store.saw_secret(A, secret(5), deleted=True)
    store.remember_credential(A, credential("aa", 6))
    store.remember_secret(A, secret(6))

    assert (known_version(store), secret_version(store)) == ("6", "6")


def test_what_a_pass_understood_replaces_the_raw_secret_of_the_same_revision() -> None:
    store = Store()
    store.saw_secret(A, secret(5), deleted=False)
    store.remember_secret(A, Foreign("5"))

    assert store.secret(A) == Foreign("5")


def test_an_absence_that_was_read_live_is_kept() -> None:
    store = Store()
    store.saw_credential(credential("aa", 5), deleted=False)
    store.saw_secret(A, secret(5), deleted=False)
    store.remember_credential(A, None)
    store.remember_secret(A, None)

    assert (known_version(store), secret_version(store)) == (None, None)


@pytest.mark.parametrize(
    ("most", "anyway", "seconds"),
    [pytest.param(3, 1, 60.0, id="at once"), pytest.param(100, 3, 0.0, id="one after the other")],
)
def test_only_so_many_ends_are_remembered(
    monkeypatch: pytest.MonkeyPatch, most: int, anyway: int, seconds: float
) -> None:
    monkeypatch.setattr(store_module, "ENDS_KEPT", most)
    monkeypatch.setattr(store_module, "ENDS_KEPT_ANYWAY", anyway)
    monkeypatch.setattr(store_module, "ENDS_SECONDS", seconds)
    store = Store()
    for number in range(10):
        store.saw_credential(credential(f"name-{number}", 100 + number), deleted=True)

    assert len(store._gone) == 3
    store.remember_credential(key("name-9"), credential("name-9", 50))
    assert store.credential(key("name-9")) is None


# --- lists


def sweep(store: Store, kind: Kind, *seen: CredentialKey, before: frozenset[CredentialKey] | None = None) -> set:
    return store.listed(kind, GENOMICS, seen, store.keys(kind, GENOMICS) if before is None else before)


def test_what_a_list_no_longer_holds_is_swept_and_asks_for_a_pass() -> None:
    store = Store()
    for name in ("aa", "bb"):
        store.saw_credential(credential(name, 1), deleted=False)
        store.saw_secret(key(name), secret(1), deleted=False)

    assert sweep(store, Kind.CREDENTIALS, A) == {B}
    assert sweep(store, Kind.SECRETS, B) == {A}
    assert (known_version(store, A), known_version(store, B)) == ("1", None)
    assert (secret_version(store, A), secret_version(store, B)) == (None, "1")


def test_what_was_made_while_the_list_came_is_not_swept() -> None:
    store = Store()
    before = store.keys(Kind.SECRETS, GENOMICS)
    store.remember_secret(A, secret(9))

    assert sweep(store, Kind.SECRETS, before=before) == set()
    assert secret_version(store) == "9"


def test_a_list_of_one_namespace_sweeps_no_other() -> None:
    store = Store()
    other = key("aa", PHYSICS)
    store.saw_credential(credential("aa", 1), deleted=False)
    store.saw_credential(credential("aa", 1, PHYSICS), deleted=False)
    sweep(store, Kind.CREDENTIALS)

    assert (known_version(store, A), known_version(store, other)) == (None, "1")
    assert store.keys(Kind.CREDENTIALS, None) == {other}


def test_whoever_had_a_rival_that_was_swept_is_looked_at_again() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1, spec_name="hpc", status=FACTS), deleted=False)
    store.saw_credential(credential("bb", 2, spec_name="hpc"), deleted=False)
    store.saw_credential(credential("cc", 3), deleted=False)

    assert sweep(store, Kind.CREDENTIALS, B, C) == {A, B}
    assert store.rival(credential("bb", 2, spec_name="hpc")) is None


# --- readiness and trouble


def test_a_namespace_is_ready_when_both_lists_are_complete() -> None:
    store = Store()
    assert not store.is_ready(GENOMICS)
    sweep(store, Kind.SECRETS)
    assert not store.is_ready(GENOMICS)
    sweep(store, Kind.CREDENTIALS)
    assert store.is_ready(GENOMICS)
    assert not store.is_ready(PHYSICS)


def test_the_lists_are_answered_when_each_is_complete_or_not_permitted() -> None:
    store, scopes = Store(), (GENOMICS, PHYSICS)
    sweep(store, Kind.CREDENTIALS)
    sweep(store, Kind.SECRETS)
    assert store.has_answers((GENOMICS,))
    assert not store.has_answers(scopes)
    for kind in Kind:
        store.blocked(kind, PHYSICS, FORBIDDEN)

    assert store.has_answers(scopes)
    assert not store.has_answers((None,))


def test_where_secrets_may_not_be_listed_passes_go_on_and_say_so() -> None:
    store = Store()
    store.blocked(Kind.SECRETS, GENOMICS, FORBIDDEN)
    assert not store.is_ready(GENOMICS)
    sweep(store, Kind.CREDENTIALS)

    assert store.is_ready(GENOMICS)
    assert store.trouble(A) is FORBIDDEN
    assert store.trouble(key("aa", PHYSICS)) is None
    assert list(store.blocked_scopes()) == [(Kind.SECRETS, GENOMICS)]

    sweep(store, Kind.SECRETS)
    assert store.trouble(A) is None
    assert list(store.blocked_scopes()) == []


def test_a_list_over_all_namespaces_that_is_not_permitted_is_everyones_trouble() -> None:
    store = Store()
    store.blocked(Kind.SECRETS, None, FORBIDDEN)

    assert store.trouble(A) is FORBIDDEN


def test_credentials_that_may_not_be_listed_are_no_trouble_of_their_secrets() -> None:
    store = Store()
    store.blocked(Kind.CREDENTIALS, GENOMICS, FORBIDDEN)

    assert store.trouble(A) is None
    assert not store.is_ready(GENOMICS)


def test_secrets_without_a_credential_are_counted() -> None:
    store = Store()
    store.saw_secret(A, secret(1), deleted=False)
    store.saw_secret(B, secret(1), deleted=False)
    store.saw_secret(C, secret(1), deleted=False)
    store.remember_secret(C, Foreign("1"))
    store.saw_credential(credential("aa", 1), deleted=False)

    assert store.orphans() == 1
    assert [c.key for c in store.credentials()] == [A]


# --- names


@dataclass(frozen=True)
class Claim:
    name: str
    has_key: bool = False
    created: str = "2026-01-01T00:00:00Z"
    uid: str = field(default="uid-1")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(Claim("aa", has_key=True, created="2026-01-02T00:00:00Z"), Claim("bb"), id="who has a key stays"),
        pytest.param(
            Claim("bb"), Claim("aa", created="2026-01-01T00:00:01Z", uid="uid-0"), id="otherwise the older one"
        ),
        pytest.param(Claim("bb"), Claim("aa", uid="uid-2"), id="otherwise the smaller uid"),
        pytest.param(
            Claim("bb", has_key=True),
            Claim("aa", has_key=True, created="2026-01-01T00:00:01Z"),
            id="of two with keys the older one",
        ),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["in this order", "in the other order"])
def test_one_of_two_claims_holds_the_name(first: Claim, second: Claim, turned: bool) -> None:
    store = Store()
    parsed = [
        credential(
            claim.name,
            number,
            spec_name="hpc",
            created=claim.created,
            uid=claim.uid,
            status=FACTS if claim.has_key else {},
        )
        for number, claim in enumerate((first, second), 1)
    ]
    for seen in reversed(parsed) if turned else parsed:
        store.saw_credential(seen, deleted=False)

    assert store.rival(parsed[0]) is None
    assert store.rival(parsed[1]) == first.name


def test_a_name_belongs_to_its_namespace() -> None:
    store = Store()
    for namespace in (GENOMICS, PHYSICS):
        store.saw_credential(credential("aa", 1, namespace), deleted=False)

    assert store.rival(credential("aa", 1)) is None


def test_the_rivals_are_looked_at_when_the_holder_comes_and_when_it_goes() -> None:
    store = Store()
    store.saw_credential(credential("bb", 1, spec_name="hpc", created="2026-01-01T00:00:01Z"), deleted=False)

    assert set(store.saw_credential(credential("aa", 2, spec_name="hpc"), deleted=False)) == {A, B}
    assert set(store.saw_credential(credential("aa", 3, spec_name="hpc"), deleted=True)) == {A, B}
    assert store.rival(credential("bb", 2, spec_name="hpc")) is None


def test_the_rivals_of_the_old_and_of_the_new_name_are_looked_at() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1, spec_name="old"), deleted=False)
    store.saw_credential(credential("bb", 2, spec_name="old"), deleted=False)
    store.saw_credential(credential("cc", 3, spec_name="new", created="2027-01-01T00:00:00Z"), deleted=False)

    assert set(store.saw_credential(credential("aa", 4, spec_name="new"), deleted=False)) == {A, B, C}


def test_who_comes_after_the_holder_concerns_nobody_else() -> None:
    """Else each edit of one of thousands that claim one name would ask for thousands of passes."""
    store = Store()
    store.saw_credential(credential("aa", 1, spec_name="hpc", status=FACTS), deleted=False)

    assert set(store.saw_credential(credential("bb", 2, spec_name="hpc"), deleted=False)) == {B}
    assert set(store.saw_credential(credential("bb", 3, spec_name="hpc"), deleted=False)) == {B}
    assert set(store.saw_credential(credential("aa", 4, spec_name="hpc", status=FACTS), deleted=False)) == {A}
    assert set(store.saw_credential(credential("bb", 5, spec_name="hpc"), deleted=True)) == {B}


def test_rivals_of_whose_end_a_live_read_has_shown_are_looked_at_when_its_event_comes() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1, spec_name="hpc", status=FACTS), deleted=False)
    store.saw_credential(credential("bb", 2, spec_name="hpc"), deleted=False)
    store.remember_credential(A, None)

    assert set(store.saw_credential(credential("aa", 3, spec_name="hpc"), deleted=True)) == {A, B}


def test_a_secret_that_waits_for_its_grace_period_holds_no_name() -> None:
    store = Store()
    store.saw_credential(credential("aa", 1, spec_name="hpc", status=FACTS), deleted=False)
    store.saw_secret(A, secret(2), deleted=False)
    store.saw_credential(credential("aa", 3), deleted=True)
    store.saw_credential(credential("bb", 4, spec_name="hpc"), deleted=False)

    assert store.rival(credential("bb", 4, spec_name="hpc")) is None


def test_no_claim_is_left_behind() -> None:
    store = Store()
    for number in range(5):
        store.saw_credential(credential(f"name-{number}", number, spec_name="hpc"), deleted=False)
        store.rival(credential(f"name-{number}", number, spec_name=f"other-{number}"))
    for number in range(5):
        store.saw_credential(credential(f"name-{number}", 10 + number), deleted=True)

    assert not any((store._claims._holders, store._claims._others, store._claims._told))


def test_who_was_told_that_a_name_is_free_keeps_it_while_its_key_is_on_the_way() -> None:
    """The other one would win by its age and its uid, and have a key, too."""
    store = Store()
    store.saw_credential(credential("bb", 1, spec_name="hpc"), deleted=False)
    assert store.rival(credential("bb", 1, spec_name="hpc")) is None

    store.saw_credential(credential("aa", 2, spec_name="hpc"), deleted=False)
    assert store.rival(credential("aa", 2, spec_name="hpc")) == "bb"
    store.saw_credential(credential("bb", 3, spec_name="hpc"), deleted=False)  # a change of something else
    assert store.rival(credential("aa", 2, spec_name="hpc")) == "bb"

    store.saw_credential(credential("bb", 4, spec_name="hpc"), deleted=True)
    assert store.rival(credential("aa", 2, spec_name="hpc")) is None


def test_who_has_a_key_holds_the_name_whoever_was_told_that_it_is_free() -> None:
    store = Store()
    store.saw_credential(credential("bb", 1, spec_name="hpc"), deleted=False)
    store.rival(credential("bb", 1, spec_name="hpc"))
    store.saw_credential(credential("aa", 2, spec_name="hpc", status=FACTS), deleted=False)

    assert store.rival(credential("bb", 1, spec_name="hpc")) == "aa"
    assert store.rival(credential("aa", 2, spec_name="hpc", status=FACTS)) is None


# --- any order


HISTORY = [(1, False), (3, False), (5, True), (7, False), (9, False)]
"""Revisions of one object: made, changed, ended, made again, changed again. True is the end."""


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_doubled_or_late_the_last_revision_stays(data: st.DataObject) -> None:
    """The watch tells all in order; answers to our own requests come in between at any time after what they tell."""
    live = [version for version, ended in HISTORY if not ended]
    store, shown = Store(), 0
    answers = data.draw(st.lists(st.sampled_from(live), max_size=6))
    for version, ended in HISTORY:
        for answer in [answer for answer in answers if answer <= version and data.draw(st.booleans())]:
            store.remember_credential(A, credential("aa", answer))
        again = data.draw(st.integers(1, 2))
        for _ in range(again):
            store.saw_credential(credential("aa", version), deleted=ended)
        shown = version
    for answer in answers:
        store.remember_credential(A, credential("aa", answer))

    assert known_version(store) == str(shown)


@pytest.mark.parametrize("last_is_the_end", [False, True], ids=["there", "gone"])
@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_events_that_come_in_another_order_leave_the_latest(order: tuple[int, ...], last_is_the_end: bool) -> None:
    store = Store()
    for version in order:
        deleted = version == 3 and last_is_the_end
        store.saw_secret(A, secret(version), deleted=deleted)
        store.saw_credential(credential("aa", version), deleted=deleted)

    expected = None if last_is_the_end else "3"
    assert (secret_version(store), known_version(store)) == (expected, expected)
