"""When a pass asks for the next one: at a moment to come. One that has passed would make passes without a pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.policy import Policies, Policy
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.keys.judge import Refused
from sshcredential_operator.reconcile.decision import Act
from sshcredential_operator.reconcile.one_pass import PATIENCE, Outcome
from sshcredential_operator.reconcile.rotation import LINGER
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import KEY, NOW, OTHER_PAIR, PAIR
from unit.reconcile.server_memory import Server

SCHEDULED: dict[str, Any] = {"generate": {}, "rotation": {"every": "24h"}}
DAY = timedelta(days=1).total_seconds()


def staged(serial: int) -> dict[str, Any]:
    return {"generate": {}, "rotation": {"serial": serial, "prepare": "1h"}}


async def ready(spec: dict[str, Any]) -> tuple[Server, Operator]:
    server = Server()
    server.apply(spec)
    operator = Operator(server)
    await operator.settle()
    assert server.reason() == "Available"
    return server, operator


async def test_a_schedule_is_a_moment_to_come() -> None:
    _, operator = await ready(SCHEDULED)

    assert (await operator.one_pass()).due_in == DAY


async def test_a_schedule_that_a_policy_holds_up_asks_for_nothing() -> None:
    server, operator = await ready(SCHEDULED)
    operator.world = replace(operator.world, policies=Policies(Policy(algorithms=frozenset({Algorithm.RSA}))))
    operator.now = NOW + timedelta(days=2)
    [outcome] = await operator.settle()

    assert outcome == Outcome(Reason.NOT_ALLOWED_BY_POLICY, reported=True)
    assert server.reason() == "NotAllowedByPolicy"


async def test_a_promotion_that_the_server_refuses_waits_for_the_pause_after_failures() -> None:
    server, operator = await ready(staged(0))
    server.apply(staged(1))
    await operator.settle()
    operator.now = NOW + timedelta(days=2)
    server.refuses["patch secret"] = TroubleError(
        Reason.FORBIDDEN, {"verb": "patch", "resource": "secrets", "code": 403}
    )

    for _ in range(3):
        assert await operator.one_pass() == Outcome(Reason.FORBIDDEN, Act.PROMOTE, retry=True)
    assert server.reason() == "Available"  # a server that has just started refuses everybody for a moment
    operator.failures = PATIENCE
    await operator.one_pass()
    assert server.reason() == "Forbidden"
    server.refuses.clear()
    await operator.settle()
    assert server.status()["keyNumber"] == 2


@pytest.mark.parametrize("spec", [SCHEDULED, staged(1)], ids=["a schedule", "a staged key"])
async def test_a_credential_on_its_way_out_asks_for_nothing_that_is_over(spec: dict[str, Any]) -> None:
    server, operator = await ready(SCHEDULED if spec is SCHEDULED else staged(0))
    server.apply(spec)
    await operator.settle()
    server.credentials[KEY]["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    server.apply(spec)
    operator.now = NOW + timedelta(days=2)
    outcomes = await operator.settle()

    assert outcomes == [Outcome(None)]


async def test_a_previous_key_ends_a_while_after_the_status_no_longer_shows_it() -> None:
    server, operator = await ready({"generate": {}})
    server.apply({"generate": {}, "rotation": {"serial": 1}})
    assert (await operator.settle())[-1] == Outcome(Reason.AVAILABLE, Act.ROTATE, due_in=DAY, reported=True)
    shown = server.status()["previous"]["fingerprint"]

    operator.now = NOW + timedelta(days=30)  # nobody was there when its time was over
    [outcome] = await operator.settle()
    assert outcome == Outcome(Reason.AVAILABLE, due_in=LINGER.total_seconds(), reported=True)
    assert "previous" not in server.status()
    assert server.secret
    assert "privateKey.1" in server.secret.data

    operator.now += LINGER
    [outcome] = await operator.settle()
    assert outcome == Outcome(Reason.AVAILABLE, Act.END_PREVIOUS)
    assert set(server.secret.data) == {"record", "privateKey.2"}
    assert any(announced.event == "Destroyed" and shown in announced.note for announced in operator.announcer.announced)


async def test_a_key_that_is_brought_again_is_neither_shown_as_previous_nor_said_to_be_destroyed() -> None:
    """Whoever believed it would take the public key of the current key off his hosts."""
    server = Server()
    for serial, pair in enumerate((PAIR, OTHER_PAIR, PAIR)):
        server.put_secret(f"key-{serial}", {"ssh-privatekey": pair.private.reveal()})
    operator = Operator(server)
    for serial in range(3):
        source = {"privateKey": {"secretName": f"key-{serial}"}}
        server.apply({"importFrom": source, "rotation": {"serial": serial}})
        await operator.settle()
    status = server.status()
    assert (status["keyNumber"], status["fingerprint"]) == (3, PAIR.public.fingerprint)
    assert status["previous"]["fingerprint"] == OTHER_PAIR.public.fingerprint

    operator.now = NOW + timedelta(days=30) + LINGER
    await operator.settle()
    await operator.settle()
    assert server.secret
    assert set(server.secret.data) == {"record", "privateKey.3"}
    assert server.status() | {"notes": [], "previous": None} == status | {"notes": [], "previous": None}
    [destroyed] = [one.note for one in operator.announcer.announced if one.event == "Destroyed"]
    assert OTHER_PAIR.public.fingerprint in destroyed


async def test_a_check_that_took_too_long_is_tried_again_later_without_anybodys_help() -> None:
    """The machine may have been busy, or stood still; a good key must not be refused for ever."""
    server = Server()
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal()})
    server.apply({"importFrom": {"privateKey": {"secretName": "my-key"}}})
    operator = Operator(server)
    operator.keys.verdicts = [Refused(KeyRefusal.TIMED_OUT)]
    [outcome] = await operator.settle()
    assert server.reason() == "KeyCheckTimedOut"
    assert isinstance(outcome, Outcome)
    assert outcome.due_in == 600

    await operator.settle()
    assert server.reason() == "Available"
