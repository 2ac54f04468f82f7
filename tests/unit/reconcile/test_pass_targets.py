"""Whole passes over a credential that SSHTargets name: its next key is used when every one of them lets it in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.reconcile.decision import Act
from sshcredential_operator.reconcile.observed import NO_TARGETS, Door, Targets, Unseen
from sshcredential_operator.reconcile.one_pass import Outcome
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import NOW, OTHER_PAIR, PAIR
from unit.reconcile.sealing_desk import sealed
from unit.reconcile.server_memory import Server

ASKED: dict[str, Any] = {"generate": {}, "rotation": {"serial": 1}}
ONLY_LOOKED = [Outcome(Reason.AVAILABLE)]


class Doors:
    """The targets of the credential as the watch shows them."""

    def __init__(self, *names: str) -> None:
        self.seen: Targets | Unseen = Targets(tuple(Door(name, frozenset()) for name in names))

    def let_in(self, fingerprint: str, *names: str) -> None:
        assert isinstance(self.seen, Targets)
        doors = (
            door._replace(fingerprints=door.fingerprints | {fingerprint}) if door.name in names else door
            for door in self.seen.doors
        )
        self.seen = self.seen._replace(doors=tuple(doors))


async def begun(doors: Doors, spec: dict[str, Any] | None = None) -> tuple[Server, Operator]:
    """Return a credential with its first key."""
    server = Server()
    server.apply(spec or {"generate": {}})
    operator = Operator(server)
    operator.world = replace(operator.world, targets=lambda _: doors.seen)
    await operator.settle()
    assert server.reason() == "Available"
    server.writes.clear()
    return server, operator


async def staged(doors: Doors, **rotation: Any) -> tuple[Server, Operator, str]:
    """Return a credential with a next key that is announced, and the fingerprint of that."""
    server, operator = await begun(doors)
    server.apply({"generate": {}, "rotation": {"serial": 1, **rotation}})
    await operator.settle()
    return server, operator, str(server.status()["next"]["fingerprint"])


def said(server: Server) -> tuple[str, str]:
    condition = server.condition("RotationStaged")
    assert condition
    return condition["reason"], condition["message"]


async def test_a_key_that_is_asked_for_is_announced_and_waits_for_those_that_are_named() -> None:
    server, _, fingerprint = await staged(Doors("gateway", "login"))

    assert server.writes == ["patch secret", "patch status"]
    assert server.reason() == "Available"
    assert server.status()["keyNumber"] == 1
    reason, message = said(server)
    assert reason == "WaitingForTargets"
    assert message == (
        f"The next key {fingerprint} is not used yet: it does not log in at SSHTarget gateway, login. See why with "
        "`kubectl describe sshtarget gateway`; or use it all the same with `sshcred rotate hpc-login --force`."
    )


async def test_it_asks_for_nothing_while_it_waits() -> None:
    server, operator, _ = await staged(Doors("login"))
    server.writes.clear()
    for days in (0, 1, 300):
        operator.now = NOW + timedelta(days=days)
        assert await operator.settle() == ONLY_LOOKED

    assert server.writes == []


async def test_it_is_used_when_the_last_one_lets_it_in_and_its_overlap_begins_then() -> None:
    doors = Doors("gateway", "login")
    server, operator, fingerprint = await staged(doors)
    doors.let_in(fingerprint, "login")
    await operator.settle()
    assert said(server)[1].startswith(
        f"The next key {fingerprint} is not used yet: it does not log in at SSHTarget gateway."
    )

    operator.now = NOW + timedelta(days=40)
    doors.let_in(fingerprint, "gateway")
    assert [outcome.acted for outcome in await operator.settle() if isinstance(outcome, Outcome)] == [Act.PROMOTE]
    assert (server.status()["fingerprint"], server.status()["keyNumber"]) == (fingerprint, 2)
    assert server.status()["previous"]["until"] == "2026-03-13T12:00:00Z"
    assert server.condition("RotationStaged") is None
    assert [one.event for one in operator.announcer.announced] == ["Staged", "Promoted"]


async def test_prepare_is_waited_for_though_every_target_lets_it_in_at_once() -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors, prepare="1h")
    assert said(server)[0] == "Staged"
    doors.let_in(fingerprint, "login")
    assert [one.acted for one in await operator.settle() if isinstance(one, Outcome)] == [None]

    operator.now = NOW + timedelta(hours=1)
    await operator.settle()
    assert server.status()["fingerprint"] == fingerprint


async def test_when_prepare_is_over_it_is_told_what_it_waits_for() -> None:
    server, operator, _ = await staged(Doors("login"), prepare="1h")
    [outcome] = await operator.settle()
    assert isinstance(outcome, Outcome)
    assert outcome.due_in == timedelta(hours=1).total_seconds()

    operator.now = NOW + timedelta(hours=1)
    assert await operator.settle() == [Outcome(Reason.AVAILABLE, reported=True)]
    assert said(server)[0] == "WaitingForTargets"


async def test_without_targets_a_rotation_is_two_writes() -> None:
    server, operator = await begun(Doors())
    server.apply(ASKED)
    await operator.settle()

    assert server.writes == ["patch secret", "patch status"]
    assert server.status()["keyNumber"] == 2


async def test_who_only_bootstraps_with_the_credential_is_named_as_its_user_and_holds_nothing() -> None:
    doors = Doors()
    doors.seen = Targets(bootstraps=("cluster",))
    server, operator = await begun(doors)
    server.apply(ASKED)
    await operator.settle()

    assert server.status()["keyNumber"] == 2
    assert server.status()["usedBy"] == [{"kind": "SSHTarget", "name": "cluster"}]


# --- who holds it changes


@pytest.mark.parametrize("seen", [NO_TARGETS, Targets(bootstraps=("login",))], ids=["deleted", "names another"])
async def test_the_end_of_the_last_one_that_holds_it_releases_it(seen: Targets) -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors)
    doors.seen = seen
    await operator.settle()

    assert server.status()["fingerprint"] == fingerprint


async def test_one_that_comes_while_a_key_is_staged_holds_it_too() -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors, prepare="1h")
    doors.seen = Targets((Door("gateway", frozenset()), Door("login", frozenset({fingerprint}))))
    operator.now = NOW + timedelta(hours=2)
    await operator.settle()

    assert said(server)[0] == "WaitingForTargets"
    assert [user["name"] for user in server.status()["usedBy"]] == ["gateway", "login"]


async def test_one_that_comes_while_a_key_without_targets_is_announced_holds_it() -> None:
    doors = Doors()
    server, operator, _ = await staged(doors, prepare="1h")
    doors.seen = Targets((Door("login", frozenset()),))
    operator.now = NOW + timedelta(hours=2)
    await operator.settle()

    assert server.status()["keyNumber"] == 1
    assert said(server)[0] == "WaitingForTargets"


# --- nobody can tell


@pytest.mark.parametrize(
    ("why", "reason", "words"),
    [
        (Unseen.NOT_LISTED, "TargetsUnknown", "which SSHTargets have to let it in is not known yet"),
        (Unseen.FORBIDDEN, "Forbidden", "Bind the operator's workspace role in this namespace"),
    ],
)
async def test_a_key_waits_where_nobody_can_tell_who_has_to_let_it_in(why: Unseen, reason: str, words: str) -> None:
    doors = Doors()
    doors.seen = why
    server, operator, fingerprint = await staged(doors)
    assert said(server)[0] == reason
    assert words in said(server)[1]
    assert await operator.settle() == ONLY_LOOKED

    doors.seen = NO_TARGETS
    await operator.settle()
    assert server.status()["fingerprint"] == fingerprint


async def test_a_credential_without_a_staged_key_works_as_before_where_nobody_can_tell() -> None:
    doors = Doors()
    doors.seen = Unseen.FORBIDDEN
    server, operator = await begun(doors)

    assert await operator.settle() == ONLY_LOOKED
    assert server.writes == []


async def test_after_a_restart_a_held_key_is_told_of_as_before_until_the_targets_are_known_again() -> None:
    doors = Doors("login")
    server, _, _ = await staged(doors)
    known, told = doors.seen, copy_of(server)
    doors.seen = Unseen.NOT_LISTED
    operator = Operator(server)
    operator.world = replace(operator.world, targets=lambda _: doors.seen)
    server.writes.clear()
    await operator.settle()
    doors.seen = known
    await operator.settle()

    assert server.writes == []
    assert copy_of(server) == told


def copy_of(server: Server) -> tuple[Any, ...]:
    return (*said(server), [dict(user) for user in server.status()["usedBy"]])


# --- by force


async def test_a_person_may_have_it_used_all_the_same_and_that_is_announced() -> None:
    server, operator, fingerprint = await staged(Doors("gateway", "login"))
    server.annotate(fingerprint)
    await operator.settle()

    assert server.status()["fingerprint"] == fingerprint
    [forced] = [one for one in operator.announcer.announced if one.event == "PromotionForced"]
    assert forced.note == (
        f"The key {fingerprint} is used because a person said so; SSHTarget gateway, login has not let it in."
    )


@pytest.mark.parametrize("fingerprint", [PAIR.public.fingerprint, "", "true"], ids=["used", "none", "true"])
async def test_what_is_said_of_another_key_forces_nothing(fingerprint: str) -> None:
    server, operator, _ = await staged(Doors("login"))
    server.annotate(fingerprint)
    await operator.settle()

    assert server.status()["keyNumber"] == 1


async def test_force_ends_no_preparation() -> None:
    server, operator, fingerprint = await staged(Doors("login"), prepare="1h")
    server.annotate(fingerprint)
    await operator.settle()
    assert (server.status()["keyNumber"], said(server)[0]) == (1, "Staged")

    operator.now = NOW + timedelta(hours=1)
    await operator.settle()
    assert server.status()["keyNumber"] == 2


async def test_what_was_forced_once_does_not_force_the_key_after_it() -> None:
    server, operator, fingerprint = await staged(Doors("login"))
    server.annotate(fingerprint)
    await operator.settle()
    server.apply({"generate": {}, "rotation": {"serial": 2}})
    await operator.settle()

    assert server.status()["keyNumber"] == 2
    assert said(server)[0] == "WaitingForTargets"


async def test_force_needs_no_list_of_targets() -> None:
    doors = Doors()
    doors.seen = Unseen.FORBIDDEN
    server, operator, fingerprint = await staged(doors)
    server.annotate(fingerprint)
    await operator.settle()

    assert server.status()["keyNumber"] == 2
    assert "PromotionForced" in [one.event for one in operator.announcer.announced]


async def test_where_every_target_lets_it_in_nobody_is_said_to_have_forced_it() -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors)
    doors.let_in(fingerprint, "login")
    server.annotate(fingerprint)
    await operator.settle()

    assert [one.event for one in operator.announcer.announced] == ["Staged", "Promoted"]


# --- what else happens to a key that waits


async def test_a_serial_that_is_raised_meanwhile_is_answered_by_the_key_that_waits() -> None:
    server, operator, fingerprint = await staged(Doors("login"))
    server.apply({"generate": {}, "rotation": {"serial": 7}})
    await operator.settle()

    assert server.status()["rotationSerial"] == 7
    assert server.status()["next"]["fingerprint"] == fingerprint
    assert server.condition("RotationStaged")


async def test_a_schedule_makes_no_second_key_while_one_waits() -> None:
    doors = Doors("login")
    server, operator = await begun(doors, {"generate": {}, "rotation": {"every": "24h"}})
    for days in (1, 2, 50):
        operator.now = NOW + timedelta(days=days)
        await operator.settle()

    assert len(operator.keys.made) == 2
    assert server.status()["keyNumber"] == 1


async def test_a_suspended_credential_keeps_its_next_key_waiting_though_it_is_let_in() -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors)
    server.apply({**ASKED, "suspend": True})
    doors.let_in(fingerprint, "login")
    await operator.settle()
    assert server.status()["keyNumber"] == 1

    server.apply(ASKED)
    await operator.settle()
    assert server.status()["keyNumber"] == 2


async def test_a_credential_that_comes_back_goes_on_waiting() -> None:
    doors = Doors("login")
    server, operator, fingerprint = await staged(doors)
    server.remove()
    await operator.settle()
    server.apply(ASKED)
    await operator.settle()
    assert (server.status()["keyNumber"], server.status()["next"]["fingerprint"]) == (1, fingerprint)

    doors.let_in(fingerprint, "login")
    await operator.settle()
    assert server.status()["fingerprint"] == fingerprint


async def test_a_way_back_is_at_once_and_the_key_that_waits_goes_on_waiting() -> None:
    doors = Doors()
    server, operator = await begun(doors)
    first = server.status()["fingerprint"]
    server.apply(ASKED)
    await operator.settle()
    doors.seen = Targets((Door("login", frozenset()),))
    server.apply({"generate": {}, "rotation": {"serial": 2}})
    await operator.settle()
    waiting = server.status()["next"]["fingerprint"]
    server.apply({"generate": {}, "rotation": {"serial": 2, "rollbackTo": first}})
    await operator.settle()

    assert server.status()["fingerprint"] == first
    assert server.status()["next"]["fingerprint"] == waiting
    assert said(server)[0] == "WaitingForTargets"
    doors.let_in(waiting, "login")
    await operator.settle()
    assert (server.status()["fingerprint"], server.status()["keyNumber"]) == (waiting, 5)


async def test_a_sealed_key_that_git_takes_back_while_it_waits_is_never_used() -> None:
    doors = Doors("login")
    server = Server()
    server.apply(sealed(PAIR))
    operator = Operator(server)
    operator.world = replace(operator.world, targets=lambda _: doors.seen)
    await operator.settle()
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()
    waiting = server.status()["next"]["fingerprint"]
    assert waiting == OTHER_PAIR.public.fingerprint
    server.apply(sealed(PAIR))
    doors.let_in(waiting, "login")
    await operator.settle()

    assert server.status()["fingerprint"] == PAIR.public.fingerprint
    assert "next" not in server.status()


# --- who uses it


async def test_targets_stand_after_exports_and_are_kept_while_nobody_can_tell() -> None:
    doors = Doors("login")
    server, operator = await begun(doors)
    assert server.status()["usedBy"] == [{"kind": "SSHTarget", "name": "login"}]
    doors.seen = Unseen.FORBIDDEN
    assert await operator.settle() == ONLY_LOOKED

    doors.seen = NO_TARGETS
    await operator.settle()
    assert "usedBy" not in server.status()


async def test_more_users_than_the_schema_takes_are_cut() -> None:
    server, _ = await begun(Doors(*(f"target-{number:03}" for number in range(200))))

    assert len(server.status()["usedBy"]) == 128
