"""Announced keys that spec.sealed then takes back: never used, and kept as long as a status shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.reconcile.one_pass import Outcome
from unit.reconcile.operator_memory import Crashed, Operator
from unit.reconcile.samples import KEY, OTHER_PAIR, PAIR
from unit.reconcile.sealing_desk import SECOND, sealed
from unit.reconcile.server_memory import Server

THIRD_PAIR = generate(Algorithm.ED25519, 256, "")
PREPARED: dict[str, Any] = {"rotation": {"prepare": "24h"}}


async def announced(first: dict[str, Any], then: dict[str, Any]) -> tuple[Server, Operator]:
    """Return a cluster in which a key is announced."""
    server = Server()
    server.apply(first)
    operator = Operator(server)
    await operator.settle()
    server.apply(then)
    await operator.settle()
    assert server.reason() == "Available"
    assert "next" in server.status()
    server.writes.clear()
    return server, operator


async def two_sealed() -> tuple[Server, Operator]:
    return await announced(sealed(PAIR) | PREPARED, sealed(OTHER_PAIR) | PREPARED)


async def linger(operator: Operator, **time: float) -> None:
    operator.now += timedelta(**(time or {"seconds": 3}))
    await operator.settle()


@pytest.mark.parametrize(("back", "most"), [(PAIR, 2), (THIRD_PAIR, 3)], ids=["the first", "a third"])
async def test_taking_an_announced_key_back_costs_no_more_writes_than_another_change(back: Any, most: int) -> None:
    server, operator = await two_sealed()
    server.apply(sealed(back) | PREPARED)
    await operator.settle()

    assert len(server.writes) == most


async def test_what_the_status_shows_is_stored_until_it_is_shown_no_more() -> None:
    server, operator = await two_sealed()
    server.apply(sealed(PAIR) | PREPARED)
    operator.catch_up()
    server.refuses["patch status"] = Crashed()
    with pytest.raises(Crashed):
        await operator.settle()
    restarted = Operator(server)
    restarted.now += timedelta(hours=1)
    with pytest.raises(Crashed):
        await restarted.settle()
    assert server.status()["next"]["fingerprint"] == OTHER_PAIR.public.fingerprint
    assert "privateKey.2" in server.secrets[KEY.namespace, KEY.secret_name].data

    server.refuses.clear()
    await restarted.settle()
    assert server.reason() == "Available"
    assert "next" not in server.status()
    await linger(restarted)
    assert server.secret
    assert server.secret.data.keys() == {"record", "privateKey.1"}


async def test_a_key_that_was_taken_back_and_sealed_again_is_announced_again() -> None:
    server, operator = await two_sealed()
    server.apply(sealed(THIRD_PAIR, to=SECOND) | PREPARED)  # which nobody can open
    await operator.settle()
    assert server.reason() == "SealingKeyUnknown"
    server.apply(sealed(OTHER_PAIR) | PREPARED)
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["next"]["fingerprint"] == OTHER_PAIR.public.fingerprint
    await linger(operator)
    assert server.secret
    assert server.secret.data.keys() == {"record", "privateKey.1", "privateKey.3"}


async def test_after_a_sealed_key_that_was_not_taken_the_source_before_is_still_the_source() -> None:
    server, operator = await announced(
        {"generate": {}} | PREPARED, {"generate": {}, "rotation": {"serial": 1, "prepare": "24h"}}
    )
    server.apply(sealed(THIRD_PAIR, to=SECOND) | {"rotation": {"serial": 1, "prepare": "24h"}})
    await operator.settle()
    server.apply({"generate": {}, "rotation": {"serial": 1, "prepare": "24h"}})
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["keyNumber"] == 1


async def test_an_old_secret_without_the_announced_key_is_told_after_another_was_taken_back() -> None:
    server, operator = await two_sealed()
    server.apply(sealed(PAIR) | PREPARED)
    await operator.settle()
    await linger(operator)
    assert server.secret
    old = dict(server.secret.data)
    server.apply(sealed(THIRD_PAIR) | PREPARED)
    await operator.settle()
    server.put_secret(KEY.secret_name, old, SECRET_TYPE)
    await operator.settle()

    assert server.reason() == "RollbackDetected"


async def test_a_suspended_credential_does_not_show_a_key_that_was_taken_back() -> None:
    server, operator = await two_sealed()
    server.apply(sealed(PAIR) | PREPARED)
    operator.catch_up()
    server.refuses["patch status"] = Crashed()
    with pytest.raises(Crashed):
        await operator.settle()
    server.refuses.clear()
    server.apply(sealed(PAIR) | PREPARED | {"suspend": True})
    await Operator(server).settle()

    assert server.reason() == "Suspended"
    assert "next" not in server.status()


async def test_who_waits_for_a_sealing_key_looks_when_the_previous_key_ends_too() -> None:
    server = Server()
    operator = Operator(server)
    for spec in (sealed(PAIR), sealed(OTHER_PAIR) | {"rotation": {"overlap": "10s"}}):
        server.apply(spec)
        await operator.settle()
    server.apply(sealed(THIRD_PAIR, to=SECOND))
    *_, outcome = await operator.settle()

    assert server.reason() == "SealingKeyUnknown"
    assert isinstance(outcome, Outcome)
    assert outcome.due_in == 10


async def test_a_credential_that_came_back_before_the_watch_told_of_it_gets_what_it_seals() -> None:
    server, operator = await two_sealed()
    server.remove()
    operator.catch_up()
    server.apply(sealed(THIRD_PAIR))
    operator.now += timedelta(hours=25)
    while (outcome := await operator.one_pass()).retry:  # the watch tells nothing
        pass

    assert (outcome.reason and outcome.reason.value, server.reason()) == ("Available", "Available")
    assert server.status()["fingerprint"] == THIRD_PAIR.public.fingerprint
    assert server.status()["previous"]["fingerprint"] == PAIR.public.fingerprint


async def test_an_announced_key_that_was_used_for_a_moment_is_not_told_to_be_withdrawn() -> None:
    server, operator = await announced(
        {"generate": {}} | PREPARED, {"generate": {}, "rotation": {"serial": 1, "prepare": "24h"}}
    )
    operator.announcer.announced.clear()
    operator.now += timedelta(hours=25)
    server.apply({"generate": {}, "rotation": {"serial": 2}})
    await operator.settle()

    assert server.status()["keyNumber"] == 3
    assert operator.announcer.events == ["Promoted"]


@pytest.mark.parametrize("prepared", [PREPARED, {}], ids=["announced", "used at once"])
async def test_a_third_key_withdraws_the_announced_one_once(prepared: dict[str, Any]) -> None:
    server, operator = await two_sealed()
    operator.announcer.announced.clear()
    server.apply(sealed(THIRD_PAIR) | prepared)
    await operator.settle()
    await linger(operator)

    assert operator.announcer.events.count("Withdrawn") == 1
