"""Between the operator and its API server everything goes wrong once. One process lives through all of it.

Each time it has to be level again afterwards, with one key for each request in all of the history, no green that was
false at any moment, nothing left behind, and a /readyz that tells the truth. How long that took is printed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from cluster.etcd_history import CREDENTIALS
from cluster.ordeal import AT_ONCE, WORKSPACE, Ordeal, Users, ordeal
from controlplane.fixtures import EMBEDDED
from controlplane.waiting import wait_until
from faultproxy.rules import (
    Answer,
    Bursts,
    CutAfter,
    CutBefore,
    CutWatch,
    ErrorEvent,
    Event,
    HalfLine,
    Rule,
    RulesInForce,
)

LEAST_SECONDS: Final = 2.0
"""How long trouble lasts that has no number of times."""
LONG_SECONDS: Final = 60.0

TO_SECRETS: Final = r"/secrets(/[^/]+)?$"
TO_STATUS: Final = "/status$"

TROUBLES: Final[dict[str, tuple[Rule, ...]]] = {
    "the API server is too busy, in bursts": (Rule(Answer(429, retry_after=1), share=0.8, bursts=Bursts(0.8, 1.2)),),
    "the API server fails, in bursts": (
        Rule(Answer(500), share=0.5, bursts=Bursts(0.8, 1.2)),
        Rule(Answer(503), share=0.5, bursts=Bursts(0.8, 1.2)),
    ),
    "connections are reset, before and after": (
        Rule(CutBefore(), watch=False, share=0.2),
        Rule(CutAfter(), watch=False, share=0.2),
        Rule(CutAfter(in_the_middle=True), watch=False, share=0.2),
    ),
    "a key was stored and the answer is lost": (Rule(CutAfter(), "POST", TO_SECRETS, times=6),),
    "a status was written and the answer is lost": (Rule(CutAfter(), "PATCH", TO_STATUS, times=12),),
    "a key was replaced and the answer is lost": (Rule(CutAfter(), "PATCH", TO_SECRETS, times=6),),
    "a key was destroyed and the answer is lost": (Rule(CutAfter(), "DELETE", TO_SECRETS, times=1),),
    "watches are cut every second": (Rule(CutWatch(1.0), watch=True),),
    "watches are refused as too old": (Rule(Answer(410), watch=True, times=4),),
    "watches tell that they are too old": (Rule(ErrorEvent(410), watch=True, times=4),),
    "watches tell of an error": (Rule(ErrorEvent(500), watch=True, times=4),),
    "watches end in the middle of a line": (Rule(HalfLine(), watch=True, times=4),),
    "events come three times": (Rule(Event(copies=3), watch=True, share=0.5),),
    "events overtake each other": (Rule(Event(delay=0.4), watch=True, share=0.4),),
    "events are lost": (Rule(Event(copies=0), watch=True, share=0.5),),
}
LOSES: Final = {"events are lost", "events overtake each other"}
"""What a watch has lost comes with the next list. Who is overtaken when his watch is cut is lost, too."""
TOO_OLD: Final = Rule(Answer(410), watch=True)
OFTEN: Final = 24
"""So many refusals in all reach every one of the operator's few watches."""

LATE_SECONDS: Final = 1.5
SILENT: Final = "does not answer; trying again."


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seed: int) -> Iterator[Ordeal]:
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("stops and starts a control plane of its own: only with --cluster=embedded")
    with ordeal(tmp_path_factory.mktemp("trouble"), seed) as made:
        yield made


@pytest.fixture
def users(scene: Ordeal) -> Iterator[Users]:
    """Users who have not done anything yet. No trouble outlives its test, and the process outlives all of them."""
    pid = scene.operator.pid
    yield Users(scene, f"users-{next(_numbers)}")
    scene.proxy.break_by()
    assert (scene.operator.is_running, scene.operator.pid) == (True, pid)


_numbers = itertools.count(1)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_all_is_level_again_after(scene: Ordeal, users: Users, trouble: str) -> None:
    live_through(scene, users, trouble, LEAST_SECONDS)


@pytest.mark.campaign
@pytest.mark.parametrize("trouble", [*list(TROUBLES)[:3], "watches are cut every second"])
def test_all_is_level_again_after_a_minute_of(scene: Ordeal, users: Users, trouble: str) -> None:
    live_through(scene, users, trouble, LONG_SECONDS)


def live_through(scene: Ordeal, users: Users, trouble: str, seconds: float) -> None:
    users.work()
    in_force = scene.proxy.break_by(*TROUBLES[trouble])
    scene.proxy.cut_watches()

    users.work_until(lambda: all(has_happened(rule, in_force) for rule in TROUBLES[trouble]), seconds)

    if trouble in LOSES:
        refused = scene.proxy.break_by(TOO_OLD)
        scene.proxy.cut_watches()
        wait_until(lambda: refused.struck[TOO_OLD] >= OFTEN, "every watch has to begin with a list", 60)
    scene.proxy.break_by()
    scene.proxy.cut_watches()
    tell(f"after {trouble}", users.until_level())
    assert users.troubles() == []


def has_happened(rule: Rule, in_force: RulesInForce) -> bool:
    return in_force.struck[rule] >= (rule.times or 1)


def test_all_is_level_again_after_the_api_server_was_killed_while_keys_were_made(scene: Ordeal, users: Users) -> None:
    names = [users.new_name() for _ in range(60)]
    with ThreadPoolExecutor(1) as creating:
        created = creating.submit(users.create_stubbornly, *names)
        wait_until(lambda: len(users.present()) > 70, "some keys are stored")
        scene.plane.stop_apiserver(crash=True)
        wait_until(lambda: SILENT in scene.operator.get("/readyz")[1], "the operator says what it waits for")
        scene.plane.start_apiserver()
        created.result()

    tell("after the API server was killed", users.until_level())
    assert users.troubles() == []


def test_credentials_that_are_deleted_and_come_back_behind_a_late_watch_get_what_they_have_to(
    scene: Ordeal, users: Users
) -> None:
    kept, ended = ([users.new_name() for _ in range(4)] for _ in range(2))
    users.create(*kept)
    users.create(*ended, **AT_ONCE)
    users.until_level()
    before = users.present()

    scene.proxy.break_by(Rule(Event(delay=LATE_SECONDS), watch=True))
    for _ in range(3):
        users.delete(*kept, *ended)
        users.create(*kept)
        users.create(*ended, **AT_ONCE)
    scene.proxy.break_by()

    tell("after a late watch", users.until_level())
    assert users.troubles() == []
    after = users.present()
    for place in ((CREDENTIALS, name) for name in kept):
        assert after[place]["status"]["fingerprint"] == before[place]["status"]["fingerprint"]


def test_an_operator_that_sees_nothing_says_that_it_is_not_ready(scene: Ordeal, users: Users) -> None:
    scene.proxy.break_by(Rule(Answer(503)))
    scene.proxy.cut_watches()
    wait_until(lambda: scene.operator.get("/readyz")[0] == 503, "the operator says that it is not ready")
    said = scene.operator.get("/readyz")[1]

    scene.proxy.break_by()
    users.work()

    tell("after the API server refused everything", users.until_level())
    assert f" in {WORKSPACE} is not complete yet." in said  # of credentials, exports or Secrets, whichever is first


def test_in_all_of_that_each_secret_of_the_key_ring_was_written_once(scene: Ordeal) -> None:
    assert scene.key_ring_troubles() == []


def tell(what: str, seconds: float) -> None:
    print(f"level again {seconds:.1f} s {what}")
