"""`reconcile/decide.py`, whatever was observed: never another key unasked, never a deletion without proof, no loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings

from sshcredential_operator.api.reasons import COURSE, KEY_IN_DOUBT, Course, Reason
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.reconcile.decide import decide
from sshcredential_operator.reconcile.decision import Act, Decision, Look
from sshcredential_operator.reconcile.observed import InputSecretMissing, Observed, Stored, Targets
from sshcredential_operator.reconcile.report import status_for
from sshcredential_operator.reconcile.rotation import is_full
from sshcredential_operator.reconcile.sources import grace_period
from unit.reconcile.observations import SEEDS, living, observation
from unit.reconcile.samples import unhurried

ABOUT_THE_SECRET = {
    Reason.SECRET_LOST,
    Reason.SECRET_TAMPERED,
    Reason.SECRET_CONFLICT,
    Reason.KEY_UNAVAILABLE,
    Reason.ROLLBACK_DETECTED,
    Reason.ADOPTED_KEY_DIFFERS,
}
REPLACING = {Act.ROTATE, Act.PROMOTE, Act.ROLL_BACK}
NOTING = {Act.UPDATE_RECORD, Act.HONOUR_SERIAL, Act.TAKE_SOURCE, Act.MARK_ORPHAN}
ON_THE_SECRET = {Act.END_PREVIOUS, Act.WITHDRAW, Act.DESTROY} | NOTING | REPLACING


def there_is_a_decision_and_always_the_same(seen: Observed, decision: Decision) -> None:
    assert isinstance(decision, Decision)
    assert decide(replace(seen)) == decision


def a_decision_asks_for_evidence_or_acts_or_neither(seen: Observed, decision: Decision) -> None:
    del seen
    assert not (decision.look and decision.act)


def a_key_is_made_only_where_no_secret_is_and_none_was(seen: Observed, decision: Decision) -> None:
    if decision.act is not Act.CREATE:
        return
    found = living(seen)
    assert found
    assert seen.secret is None
    if found.status.facts:
        assert isinstance(found.spec, Spec)
        assert not isinstance(found.spec.source, Generate)
        assert seen.secret_is_live
        assert found.status.facts.credential_id != "forged"


def what_is_changed_is_a_secret_that_opened_and_is_this_credentials(seen: Observed, decision: Decision) -> None:
    if decision.act not in ON_THE_SECRET:
        return
    assert isinstance(seen.secret, Stored)
    if seen.credential and seen.credential.status.facts:
        facts, record = seen.credential.status.facts, seen.secret.record
        assert record.credential_id == facts.credential_id
        assert record.current >= facts.key_number


def a_key_is_replaced_only_where_the_spec_or_the_record_asks(seen: Observed, decision: Decision) -> None:
    if decision.act not in REPLACING:
        return
    found = living(seen)
    assert found
    assert isinstance(found.spec, Spec)
    assert isinstance(seen.secret, Stored)
    record, rotation = seen.secret.record, found.spec.rotation
    asked = {
        Act.ROTATE: record.next is None
        and not is_full(record)
        and (
            rotation.serial > record.rotation_serial
            or rotation.every is not None
            or (isinstance(seen.sealed, Seal) and seen.sealed.fingerprint != record.current_key.fingerprint)
        ),
        Act.PROMOTE: record.next is not None,
        Act.ROLL_BACK: rotation.rollback_to != record.rollback_to,
    }
    assert asked[decision.act]


def no_target_is_locked_out_by_a_promotion_that_nobody_forced(seen: Observed, decision: Decision) -> None:
    if decision.act is not Act.PROMOTE:
        return
    assert isinstance(seen.secret, Stored)
    assert seen.secret.record.next
    staged = seen.secret.record.key(seen.secret.record.next.key_number)
    assert staged
    if seen.credential and seen.credential.forced_promotion == staged.fingerprint:
        return
    assert isinstance(seen.targets, Targets)
    assert all(staged.fingerprint in door.fingerprints for door in seen.targets.doors)


def an_announced_key_is_withdrawn_only_where_another_one_is_sealed(seen: Observed, decision: Decision) -> None:
    if decision.act is not Act.WITHDRAW:
        return
    assert isinstance(seen.secret, Stored)
    assert isinstance(seen.sealed, Seal)
    assert seen.secret.record.next
    staged = seen.secret.record.key(seen.secret.record.next.key_number)
    assert staged
    assert staged.fingerprint != seen.sealed.fingerprint


def nothing_is_destroyed_without_live_proof_a_mark_and_the_end_of_the_grace_period(
    seen: Observed, decision: Decision
) -> None:
    if decision.act is not Act.DESTROY:
        return
    assert seen.credential is None
    assert seen.credential_is_live
    assert seen.secret_is_live
    assert isinstance(seen.secret, Stored)
    assert seen.secret.record.deletion_policy == "Delete"
    assert seen.secret.orphaned_since
    assert seen.secret.orphaned_since + grace_period(seen.secret.record) <= seen.now


def nobody_is_marked_as_an_orphan_without_live_proof(seen: Observed, decision: Decision) -> None:
    if decision.act is Act.MARK_ORPHAN:
        assert seen.credential is None
        assert seen.credential_is_live


def what_stops_a_credential_because_of_its_secret_was_seen_live(seen: Observed, decision: Decision) -> None:
    if decision.reason in ABOUT_THE_SECRET:
        assert seen.secret_is_live or decision.look is Look.SECRET


def nothing_is_adopted_by_what_the_watch_shows(seen: Observed, decision: Decision) -> None:
    if decision.reason is Reason.AVAILABLE and seen.credential and seen.credential.status.facts is None:
        assert seen.secret_is_live


def ready_is_only_whose_key_is_stored_and_opens_and_is_his(seen: Observed, decision: Decision) -> None:
    if decision.reason is not Reason.AVAILABLE:
        return
    assert isinstance(seen.secret, Stored)
    assert (seen.trouble, seen.rival, seen.served, decision.look) == (None, None, True, None)


def no_status_turns_green_by_what_the_watch_shows(seen: Observed, decision: Decision) -> None:
    if decision.reason is Reason.AVAILABLE and not seen.secret_is_live:
        found = living(seen)
        assert found
        assert found.status.ready
        assert found.status.ready.status == "True"


def what_is_newly_said_of_a_key_was_seen_live(seen: Observed, decision: Decision) -> None:
    found = living(seen)
    if not found or not decision.reason or decision.look or decision.act or seen.secret_is_live:
        return
    assert status_for(decision.reason, decision, seen, found).facts == found.status.facts
    if isinstance(seen.secret, Stored) and found.status.reason in KEY_IN_DOUBT:
        assert seen.trouble or decision.reason in KEY_IN_DOUBT


def a_suspended_credential_is_not_acted_on(seen: Observed, decision: Decision) -> None:
    found = living(seen)
    if found and isinstance(found.spec, Spec) and found.spec.suspend:
        assert decision.act in {None, Act.UPDATE_RECORD, Act.REWRAP}
        if decision.act:
            return
        told = decision.reason is None or COURSE[decision.reason] is Course.STOP
        assert told or decision.look or decision.reason is Reason.SUSPENDED


def who_lost_his_key_is_not_called_suspended(seen: Observed, decision: Decision) -> None:
    if decision.reason is Reason.SUSPENDED and not seen.trouble:
        found = living(seen)
        assert found
        assert seen.secret is not None or found.status.facts is None


def the_next_moment_is_to_come(seen: Observed, decision: Decision) -> None:
    assert decision.due is None or decision.due > seen.now


def nothing_is_done_in_trouble(seen: Observed, decision: Decision) -> None:
    if seen.trouble:
        assert decision.act is None
        assert decision.look is None


RULES = [
    there_is_a_decision_and_always_the_same,
    a_decision_asks_for_evidence_or_acts_or_neither,
    a_key_is_made_only_where_no_secret_is_and_none_was,
    what_is_changed_is_a_secret_that_opened_and_is_this_credentials,
    a_key_is_replaced_only_where_the_spec_or_the_record_asks,
    no_target_is_locked_out_by_a_promotion_that_nobody_forced,
    an_announced_key_is_withdrawn_only_where_another_one_is_sealed,
    nothing_is_destroyed_without_live_proof_a_mark_and_the_end_of_the_grace_period,
    nobody_is_marked_as_an_orphan_without_live_proof,
    what_stops_a_credential_because_of_its_secret_was_seen_live,
    nothing_is_adopted_by_what_the_watch_shows,
    no_status_turns_green_by_what_the_watch_shows,
    what_is_newly_said_of_a_key_was_seen_live,
    ready_is_only_whose_key_is_stored_and_opens_and_is_his,
    a_suspended_credential_is_not_acted_on,
    who_lost_his_key_is_not_called_suspended,
    the_next_moment_is_to_come,
    nothing_is_done_in_trouble,
]


def test_every_rule_holds_and_these_observations_reach_every_act_every_look_and_every_course() -> None:
    reached = set[Act | Look | Course | None]()
    for seed in range(1500):
        reached.update(hold_until_decided(observation(seed), observation(-seed)))

    assert reached >= {*Act, *Look, *Course, None}


@settings(unhurried, max_examples=50)
@given(seed=SEEDS, answers=SEEDS)
def test_every_rule_holds_for_others_too(seed: int, answers: int) -> None:
    for step in range(20):  # an example costs more than an observation
        assert list(hold_until_decided(observation(seed + step), observation(answers + step)))


def hold_until_decided(seen: Observed, shown: Observed) -> Iterator[Act | Look | Course | None]:
    """Apply every rule at every step; yield what was decided."""
    asked = list[Look]()
    while True:
        decision = decide(seen)
        for rule in RULES:
            rule(seen, decision)
        yield from (decision.act, decision.look, COURSE[decision.reason] if decision.reason else None)
        if not decision.look:
            return
        asked.append(decision.look)
        assert len(asked) == len(set(asked))
        seen = looked(seen, decision.look, shown)


def looked(seen: Observed, look: Look, shown: Observed) -> Observed:
    """Return the observation with the evidence, as `observe.look` does."""
    match look:
        case Look.SECRET:
            return replace(seen, secret=shown.secret, secret_is_live=True)
        case Look.CREDENTIAL:
            return replace(seen, credential=shown.credential, credential_is_live=True)
        case Look.INPUT:
            found = shown.input or InputSecretMissing("my-key")
            return replace(seen, input=found, input_present=not isinstance(found, InputSecretMissing))
