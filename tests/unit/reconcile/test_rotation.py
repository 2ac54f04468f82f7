"""`reconcile/rotation.py`: whatever happens to a record, it stays one, and no key number is ever used twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.spec import Rotation
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption import record_json
from sshcredential_operator.encryption.record import MAX_PREVIOUS, FromGenerate, NextKey, PreviousKey, Record
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.rotation import (
    LINGER,
    changes,
    ended,
    first_end,
    is_full,
    moves_of_rollback,
    next_is_due,
    overdue_from,
    promoted,
    rollback_target,
    rolled_back,
    rotates_at,
    with_next,
    with_rollback_answered,
    with_serial,
    without,
)
from unit.reconcile.samples import IMPORT, NOW, OTHER_PAIR, PAIR, ago, record, recorded, spec, unhurried

DAY: Final = timedelta(days=1)
AT_ONCE: Final = Rotation(serial=1)
STAGED: Final = Rotation(serial=1, prepare=DAY)
THIRD_PAIR: Final = generate(Algorithm.ED25519, 256, "")


@cache
def pair(number: int) -> KeyPair:
    """A key pair for each number; some are shared, as when a user brings the same key again."""
    return generate(Algorithm.ED25519, 256, f"key-{number}")


def rotated(held: Record, rotation: Rotation = AT_ONCE, of: KeyPair = OTHER_PAIR) -> Record:
    key = recorded(of, held.highest_key_number + 1, created_at=format_timestamp(NOW))
    return with_next(held, key, FromGenerate(), rotation, NOW)


def rolled(held: Record, number: int, rotation: Rotation = AT_ONCE) -> Record:
    return rolled_back(held, moves_of_rollback(held, number), rotation, NOW)


# --- any sequence of changes

STEPS: Final = st.tuples(
    st.sampled_from(["rotate", "promote", "roll back", "end", "serial", "answer"]),
    st.integers(0, 10),
    st.sampled_from([timedelta(0), timedelta(hours=1), DAY]),
    st.sampled_from([timedelta(0), DAY]),
    st.booleans(),
)


class Life:
    """A record and its clock. Every change is made only where the checks would ask for it."""

    def __init__(self) -> None:
        self.record, self.now, self.serial = record(recorded(pair(1))), NOW, 0
        self.owners: dict[int, str] = {1: self.record.current_key.fingerprint}

    def take(self, what: str, which: int, duration: timedelta, prepare: timedelta, repeated: bool) -> None:
        before, self.now = self.record, self.now + duration
        rotation = Rotation(self.serial, prepare=prepare, overlap=duration)
        steps: dict[str, Callable[[], Record]] = {
            "rotate": lambda: self._rotated(rotation, which if repeated else before.highest_key_number + 1),
            "promote": lambda: promoted(before, duration, self.now) if next_is_due(before, self.now) else before,
            "roll back": lambda: self._rolled_back(rotation, which),
            "end": lambda: without(before, ended(before, self.now)),
            "serial": lambda: with_serial(before, before.rotation_serial + 1, before.source),
            "answer": lambda: with_rollback_answered(before, pair(which).public.fingerprint),
        }
        self.record = steps[what]()
        self.holds(before, ended(before, self.now) if what == "end" else ())

    def _rotated(self, rotation: Rotation, which: int) -> Record:
        if self.record.next is not None or is_full(self.record):
            return self.record
        key = recorded(pair(which), self.record.highest_key_number + 1, created_at=format_timestamp(self.now))
        self.serial += 1
        return with_next(self.record, key, FromGenerate(), rotation._replace(serial=self.serial), self.now)

    def _rolled_back(self, rotation: Rotation, which: int) -> Record:
        fingerprint = self.record.keys[which % len(self.record.keys)].fingerprint
        target = rollback_target(self.record, fingerprint)
        if target is None:
            return with_rollback_answered(self.record, fingerprint)
        moves = moves_of_rollback(self.record, target)
        return rolled_back(self.record, moves, rotation._replace(rollback_to=fingerprint), self.now)

    def holds(self, before: Record, gone: tuple[int, ...]) -> None:
        after = self.record
        assert after.is_consistent
        assert record_json.from_bytes(record_json.to_bytes(after)) == after
        assert len(after.previous) <= MAX_PREVIOUS
        assert before.current not in gone
        assert {key.fingerprint for key in before.keys if key.key_number not in gone} <= {
            key.fingerprint for key in after.keys
        }
        for key in after.keys:
            assert self.owners.setdefault(key.key_number, key.fingerprint) == key.fingerprint
        assert after.current >= before.current
        assert after.rotation_serial >= before.rotation_serial
        assert after.highest_key_number >= before.highest_key_number
        assert after.next is None or after.next.key_number > after.current


@unhurried
@given(st.lists(STEPS, max_size=40))
def test_any_sequence_of_changes_keeps_the_record_consistent_and_every_number_for_one_key(
    steps: list[tuple[str, int, timedelta, timedelta, bool]],
) -> None:
    life = Life()
    for step in steps:
        life.take(*step)


# --- a key comes


def test_without_preparation_a_new_key_is_in_use_at_once_and_the_one_before_stays_for_the_overlap() -> None:
    after = rotated(record())

    assert (after.current, after.next, after.highest_key_number) == (2, None, 2)
    assert after.previous == (PreviousKey(1, format_timestamp(NOW + DAY)),)
    assert after.rotation_serial == 1


def test_with_preparation_it_is_announced_first_and_nothing_else_changes() -> None:
    after = rotated(record(), STAGED)

    assert (after.current, after.previous) == (1, ())
    assert after.next == NextKey(2, format_timestamp(NOW + DAY))


def test_a_schedule_takes_no_serial_back() -> None:
    assert rotated(record(rotation_serial=7), Rotation(serial=3)).rotation_serial == 7


@pytest.mark.parametrize(("after", "due"), [(0, False), (86399, False), (86400, True), (10**9, True)])
def test_a_staged_key_is_due_when_it_was_announced_for_long_enough(after: int, due: bool) -> None:
    assert next_is_due(rotated(record(), STAGED), NOW + timedelta(seconds=after)) is due


def test_nothing_is_due_where_no_key_is_staged() -> None:
    assert not next_is_due(record(), NOW + 10_000 * DAY)


def test_a_promoted_key_leaves_the_one_before_as_previous() -> None:
    after = promoted(rotated(record(), STAGED), timedelta(hours=2), NOW)

    assert (after.current, after.next) == (2, None)
    assert after.previous == (PreviousKey(1, format_timestamp(NOW + timedelta(hours=2))),)


def test_there_is_no_promotion_without_a_staged_key() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        promoted(record(), DAY, NOW)


# --- keys end


@pytest.mark.parametrize(
    ("seconds", "gone"),
    [
        pytest.param(-1, (), id="while it is usable"),
        pytest.param(0, (), id="when its time is over: who read the status just before still finds it"),
        pytest.param(LINGER.total_seconds() - 1, (), id="while it lingers"),
        pytest.param(LINGER.total_seconds(), (1,), id="when that is over, too"),
    ],
)
def test_a_previous_key_ends_a_little_after_people_are_told(seconds: float, gone: tuple[int, ...]) -> None:
    held = rotated(record())

    assert ended(held, NOW + DAY + timedelta(seconds=seconds)) == gone
    assert first_end(held) == NOW + DAY + LINGER


def test_each_previous_key_has_its_own_end() -> None:
    held = promoted(
        rotated(rotated(record()), STAGED._replace(prepare=timedelta(hours=1)), THIRD_PAIR), timedelta(0), NOW
    )

    assert ended(held, NOW + LINGER) == (2,)
    assert without(held, (2,)).previous == (PreviousKey(1, format_timestamp(NOW + DAY)),)
    assert [key.key_number for key in without(held, (2,)).keys] == [1, 3]


# --- back


def test_a_rollback_gives_the_old_key_a_new_number() -> None:
    held = rotated(record())
    after = rolled(held, 1, Rotation(rollback_to=PAIR.public.fingerprint))

    assert (after.current, after.current_key.fingerprint) == (3, PAIR.public.fingerprint)
    assert [old.key_number for old in after.previous] == [2]
    assert after.rollback_to == PAIR.public.fingerprint
    assert after.current_key.created_at == held.keys[0].created_at


def test_a_rollback_moves_a_staged_key_up_so_that_no_number_falls_when_it_is_promoted() -> None:
    held = rotated(rotated(record()), STAGED, THIRD_PAIR)
    after = rolled(held, 1)

    assert moves_of_rollback(held, 1) == {1: 4, 3: 5}
    assert (after.current, after.next) == (4, NextKey(5, format_timestamp(NOW + DAY)))
    assert promoted(after, DAY, NOW).current_key.fingerprint == THIRD_PAIR.public.fingerprint


def test_only_a_previous_key_is_a_target() -> None:
    held = rotated(rotated(record()), STAGED, THIRD_PAIR)

    assert rollback_target(held, PAIR.public.fingerprint) == 1
    assert rollback_target(held, OTHER_PAIR.public.fingerprint) is None
    assert rollback_target(held, THIRD_PAIR.public.fingerprint) is None
    assert rollback_target(held, None) is None


def test_a_key_that_is_in_use_again_is_no_target_although_it_is_a_previous_one_too() -> None:
    held = rotated(rotated(record()), of=PAIR)

    assert held.current_key.fingerprint == held.keys[0].fingerprint
    assert rollback_target(held, PAIR.public.fingerprint) is None


# --- when


EVERY: Final = spec(rotation=Rotation(every=DAY))


def test_the_schedule_counts_from_the_making_of_the_key() -> None:
    assert rotates_at(record(), EVERY) == ago(days=1) + DAY


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        pytest.param(record(), spec(), id="without a schedule"),
        pytest.param(rotated(record(), STAGED), EVERY, id="while a key is staged"),
        pytest.param(record(), spec(IMPORT, rotation=Rotation(every=DAY)), id="for a key that the user brings"),
        pytest.param(
            record(),
            spec(rotation=Rotation(every=DAY, rollback_to=PAIR.public.fingerprint)),
            id="while rollbackTo names the key in use",
        ),
    ],
)
def test_no_schedule_asks(held: Record, wanted: object) -> None:
    assert rotates_at(held, wanted) is None  # type: ignore[arg-type]  # a table of specs


def test_a_schedule_goes_on_where_rollback_to_names_another_key() -> None:
    wanted = spec(rotation=Rotation(every=DAY, rollback_to=OTHER_PAIR.public.fingerprint))

    assert rotates_at(record(), wanted) is not None


def test_only_a_policy_with_a_longest_age_makes_a_key_overdue() -> None:
    assert overdue_from(record(), None) is None
    assert overdue_from(record(), timedelta(hours=1)) == ago(hours=23)


def test_every_moment_to_come_at_which_something_changes_by_itself_is_told() -> None:
    held, day_before = rotated(rotated(record()), STAGED, THIRD_PAIR), NOW - DAY

    assert set(changes(held, EVERY, NOW)) == {NOW + DAY, NOW + DAY + LINGER}
    assert set(changes(held, EVERY, NOW + DAY)) == {NOW + DAY + LINGER}
    assert set(changes(record(), EVERY, day_before)) == {NOW}


def test_no_moment_that_has_passed_is_told() -> None:
    held, late = rotated(rotated(record()), STAGED, THIRD_PAIR), NOW + 9 * DAY

    assert set(changes(record(), EVERY, NOW)) == set()
    assert set(changes(held, EVERY, late)) == set()
