"""`controller/targets/known.py` and `feeds.py`: which targets are looked at, and never before everything is known."""

from __future__ import annotations

from typing import Any

import pytest

from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.controller.store import Scope
from sshcredential_operator.controller.targets.feeds import CredentialFeed, Follower, TargetFeed
from sshcredential_operator.controller.targets.known import Known
from sshcredential_operator.controller.work_queue import WorkQueue
from unit.controller.objects import GENOMICS, PHYSICS, key, raw_credential
from unit.controller.targets.objects import raw_target, target, target_key

A, B, C = (target_key(name) for name in ("aa", "bb", "cc"))
NOTHING: frozenset[Any] = frozenset()


class Feeds:
    """Both feeds, and what they ask for."""

    def __init__(self) -> None:
        self.known, self.queue = Known(), WorkQueue[TargetKey](places=100, share=100)
        self.forgotten: list[TargetKey] = []
        self.begun: list[Scope] = []
        follower = Follower(self.known, self.queue, self.forgotten.append, self.begun.append)
        self.targets, self.credentials = TargetFeed(follower), CredentialFeed(follower)

    def start(self, *targets: dict[str, Any]) -> None:
        """Let both first lists come; nobody is left in the queue."""
        for raw in targets:
            self.targets.saw(raw, GENOMICS, deleted=False)
        self.targets.listed(GENOMICS, self.targets.known(GENOMICS), NOTHING)
        self.credentials.listed(GENOMICS, NOTHING, NOTHING)
        self.taken()

    def taken(self) -> set[TargetKey]:
        """Take everything from the queue."""
        taken = set(iter(self.queue._next, None))
        for one in taken:
            self.queue.done(one)
        return taken


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


@pytest.mark.parametrize("targets_first", [True, False], ids=["targets first", "credentials first"])
async def test_nobody_is_looked_at_before_both_lists_are_complete(feeds: Feeds, targets_first: bool) -> None:
    feeds.targets.saw(raw_target("aa", 1), GENOMICS, deleted=False)
    feeds.credentials.saw(raw_credential("hpc-login", 2), GENOMICS, deleted=False)
    listed: list[Any] = [feeds.targets.listed, feeds.credentials.listed]
    first, second = listed if targets_first else reversed(listed)
    first(GENOMICS, NOTHING, NOTHING)
    assert feeds.taken() == set()

    second(GENOMICS, NOTHING, NOTHING)
    assert feeds.taken() == {A}


async def test_a_list_of_one_namespace_says_nothing_of_another(feeds: Feeds) -> None:
    feeds.start()
    feeds.targets.saw(raw_target("aa", 1, namespace=PHYSICS), PHYSICS, deleted=False)

    assert feeds.taken() == set()


async def test_a_change_of_a_target_asks_for_a_pass(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1), raw_target("bb", 1))
    feeds.targets.saw(raw_target("aa", 2), GENOMICS, deleted=False)

    assert feeds.taken() == {A}


async def test_an_event_that_says_nothing_new_asks_for_none(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 5))
    feeds.known.remember_target(A, target("aa", 7))
    for version in (5, 6, 7):
        feeds.targets.saw(raw_target("aa", version), GENOMICS, deleted=False)

    assert feeds.taken() == set()


async def test_whoever_goes_through_a_target_is_looked_at_with_it(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1), raw_target("bb", 1, jump="aa"), raw_target("cc", 1, jump="bb"))
    feeds.targets.saw(raw_target("aa", 2), GENOMICS, deleted=False)
    assert feeds.taken() == {A, B, C}

    feeds.targets.saw(raw_target("cc", 2, jump="bb"), GENOMICS, deleted=False)
    assert feeds.taken() == {C}


async def test_targets_that_go_through_each_other_are_no_endless_loop(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1, jump="bb"), raw_target("bb", 1, jump="aa"))
    feeds.targets.saw(raw_target("aa", 2, jump="bb"), GENOMICS, deleted=False)

    assert feeds.taken() == {A, B}


async def test_a_credential_is_looked_at_with_all_that_use_it(feeds: Feeds) -> None:
    feeds.start(
        raw_target("aa", 1, credential="other"),
        raw_target("bb", 1, credential="other", bootstrap="hpc-login"),
        raw_target("cc", 1, credential="third", jump="bb"),
    )
    feeds.credentials.saw(raw_credential("hpc-login", 3), GENOMICS, deleted=False)
    assert feeds.taken() == {B, C}

    feeds.credentials.saw(raw_credential("nobody-uses-it", 3), GENOMICS, deleted=False)
    assert feeds.taken() == set()


async def test_a_target_that_names_another_credential_is_none_of_the_first_ones_any_more(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1))
    feeds.targets.saw(raw_target("aa", 2, credential="other"), GENOMICS, deleted=False)
    feeds.taken()
    feeds.credentials.saw(raw_credential("hpc-login", 3), GENOMICS, deleted=False)

    assert feeds.taken() == set()


async def test_a_deleted_target_is_forgotten_and_whoever_goes_through_it_is_told(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1), raw_target("bb", 1, jump="aa"))
    feeds.targets.saw(raw_target("aa", 2), GENOMICS, deleted=True)

    assert feeds.taken() == {A, B}
    assert feeds.forgotten == [A]
    assert feeds.known.target(A) is None


async def test_what_vanished_while_nobody_watched_is_swept(feeds: Feeds) -> None:
    feeds.start(raw_target("aa", 1), raw_target("bb", 1, jump="aa"))
    feeds.credentials.saw(raw_credential("hpc-login", 3), GENOMICS, deleted=False)
    feeds.taken()
    feeds.targets.listed(GENOMICS, frozenset({B}), frozenset({A, B}))
    assert feeds.taken() >= {B}
    assert feeds.known.target(A) is None
    assert feeds.forgotten == [A]

    feeds.credentials.listed(GENOMICS, NOTHING, frozenset({key("hpc-login")}))
    assert feeds.taken() == {B}
    assert feeds.known.credential(key("hpc-login")) is None


async def test_a_namespace_that_may_be_another_one_is_read_again(feeds: Feeds) -> None:
    feeds.start()
    feeds.credentials.begins(GENOMICS)
    feeds.credentials.saw(raw_credential("hpc-login", 3), GENOMICS, deleted=True)

    assert feeds.begun == [GENOMICS, GENOMICS]
