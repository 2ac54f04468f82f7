"""What becomes of a Secret after its credential's deletion, with watches that lag and users who come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, CredentialKey
from sshcredential_operator.controller.store import Kind
from sshcredential_operator.reconcile.decision import Act
from sshcredential_operator.reconcile.observed import RawSecret
from sshcredential_operator.reconcile.one_pass import Outcome
from unit.reconcile.operator_memory import Operator, unavailable
from unit.reconcile.ports_memory import MemoryCredentials, MemorySecrets
from unit.reconcile.samples import KEY, NOW
from unit.reconcile.server_memory import Server

GENERATED: dict[str, Any] = {"generate": {}}
AT_ONCE: dict[str, Any] = {"generate": {}, "deletionGracePeriod": "0s"}
RETAINED: dict[str, Any] = {"generate": {}, "deletionPolicy": "Retain"}


async def ready(spec: dict[str, Any]) -> tuple[Server, Operator]:
    server = Server()
    server.apply(spec)
    operator = Operator(server)
    await operator.settle()
    assert server.reason() == "Available"
    return server, operator


def mark(server: Server) -> str | None:
    return server.secret.annotations.get(ORPHANED_SINCE_ANNOTATION) if server.secret else None


async def test_it_is_marked_kept_for_its_grace_period_and_then_destroyed() -> None:
    server, operator = await ready(GENERATED)
    server.remove()

    [outcome] = await operator.settle()
    assert outcome == Outcome(None, Act.MARK_ORPHAN, due_in=timedelta(days=7).total_seconds())
    assert mark(server) == "2026-01-31T12:00:00Z"

    operator.now = NOW + timedelta(days=7, seconds=-1)
    assert await operator.settle() == [Outcome(None, due_in=1)]
    assert server.secret

    operator.now = NOW + timedelta(days=7)
    outcomes = await operator.settle()
    assert [outcome.acted for outcome in outcomes if isinstance(outcome, Outcome)] == [Act.DESTROY, None]
    assert server.secret is None
    assert server.writes == ["create secret", "patch status", "patch secret", "delete secret"]


async def test_a_restart_forgets_nothing() -> None:
    server, operator = await ready(GENERATED)
    server.remove()
    await operator.settle()

    operator = Operator(server)
    operator.now = NOW + timedelta(days=6)
    assert await operator.settle() == [Outcome(None, due_in=timedelta(days=1).total_seconds())]
    operator.now = NOW + timedelta(days=7)
    await operator.settle()

    assert server.secret is None


async def test_one_answer_that_says_it_is_gone_does_not_save_it_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event would ever tell that it is still there."""
    server, operator = await ready(AT_ONCE)
    read, wrong = MemorySecrets.read, [None]

    async def once_wrong(self: MemorySecrets, key: CredentialKey) -> RawSecret | None:
        return wrong.pop() if wrong else await read(self, key)

    monkeypatch.setattr(MemorySecrets, "read", once_wrong)
    server.remove()
    await operator.settle()

    assert not wrong
    assert server.secret is None


async def test_an_answer_from_before_the_end_of_its_credential_does_not_save_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watch has told of the end, and will not tell again."""
    server, operator = await ready(GENERATED)
    read, old = MemoryCredentials.read, [operator.store.credential(KEY)]
    server.remove()
    await operator.settle()

    async def once_old(self: MemoryCredentials, key: CredentialKey) -> Credential | None:
        return old.pop() if old else await read(self, key)

    monkeypatch.setattr(MemoryCredentials, "read", once_old)
    operator.now = NOW + timedelta(days=7)
    await operator.settle()

    assert not old
    assert server.secret is None


async def test_without_a_grace_period_it_is_destroyed_at_once() -> None:
    server, operator = await ready(AT_ONCE)
    server.remove()
    await operator.settle()

    assert server.secret is None


async def test_retain_keeps_it_as_it_is() -> None:
    server, operator = await ready(RETAINED)
    writes = list(server.writes)
    server.remove()
    operator.now = NOW + timedelta(days=4000)

    assert await operator.settle() == [Outcome(None)]
    assert server.secret
    assert server.writes == writes


async def test_the_policy_at_the_deletion_counts() -> None:
    server, operator = await ready(GENERATED)
    server.apply(RETAINED)
    await operator.settle()
    server.remove()
    await operator.settle()
    operator.now = NOW + timedelta(days=8)
    await operator.settle()

    assert server.secret


async def test_the_policy_counts_even_where_the_spec_asks_for_another_key() -> None:
    server, operator = await ready(GENERATED)
    server.apply({"generate": {"algorithm": "ECDSA"}, "deletionPolicy": "Retain"})
    await operator.settle()
    assert server.reason() == "AlgorithmChanged"
    server.remove()
    await operator.settle()
    operator.now = NOW + timedelta(days=8)
    await operator.settle()

    assert server.secret


@pytest.mark.parametrize("back", [GENERATED, {"generate": {"algorithm": "ECDSA"}}], ids=["ready", "stalled"])
async def test_who_came_back_and_goes_again_has_the_whole_grace_period_again(back: dict[str, Any]) -> None:
    server, operator = await ready(GENERATED)
    server.remove()
    await operator.settle()
    operator.now = NOW + timedelta(days=6)
    server.apply(back)
    await operator.settle()
    assert mark(server) is None

    operator.now = NOW + timedelta(days=8)
    server.remove()
    await operator.settle()
    operator.now = NOW + timedelta(days=14)
    await operator.settle()
    assert server.secret

    operator.now = NOW + timedelta(days=15)
    await operator.settle()
    assert server.secret is None


@pytest.mark.parametrize("lag", range(5))
async def test_who_comes_back_right_after_the_destruction_gets_a_new_key_however_the_watches_lag(lag: int) -> None:
    server, operator = await ready(AT_ONCE)
    replica = Operator(server)
    server.remove()
    await operator.settle()
    assert server.secret is None
    before = len(server.stream)
    server.apply(AT_ONCE)
    replica.catch_up(until=before - lag)
    for kind, _, seen, deleted in server.stream[before - lag :]:
        if kind is Kind.CREDENTIALS:  # the watch of the credentials is faster
            replica.store.saw_credential(seen, deleted=deleted)

    await replica.one_pass()
    await replica.settle()

    assert server.reason() == "Available"
    assert server.secret


@pytest.mark.parametrize("call", range(4))
async def test_who_comes_back_just_before_the_deletion_keeps_the_key(call: int) -> None:
    """Whatever the request that another replica's adoption falls before: looks at credential and Secret, deletion."""
    server, operator = await ready(AT_ONCE)
    fingerprint = server.status()["fingerprint"]
    server.remove()
    operator.catch_up()
    await operator.one_pass()
    assert mark(server)
    replica = Operator(server)

    async def come_back() -> None:
        server.apply(AT_ONCE)
        await replica.settle()

    first = len(server.asked)
    server.meanwhile[first + call] = come_back
    await operator.one_pass()
    assert call in (0, 1) or "delete secret" in server.asked
    await operator.settle()
    await replica.settle()

    assert server.reason() == "Available"
    assert server.status()["fingerprint"] == fingerprint


async def test_a_credential_that_the_watch_has_not_shown_yet_protects_its_secret() -> None:
    server, operator = await ready(AT_ONCE)
    server.remove()
    operator.catch_up()
    server.apply(AT_ONCE)

    await operator.one_pass()

    assert server.secret
    assert server.reason() == "Available"


@pytest.mark.parametrize(
    ("forged", "days"),
    [
        pytest.param("9999-12-31T23:59:59Z", 7, id="a mark of the last day that there is"),
        pytest.param("2027-01-01T00:00:00Z", 7, id="a mark of next year"),
        pytest.param("soon", 7, id="a mark that is no time"),
        pytest.param("", 7, id="an empty mark"),
    ],
)
async def test_a_forged_mark_does_not_keep_it_for_ever(forged: str, days: int) -> None:
    server, operator = await ready(GENERATED)
    server.change_secret(lambda secret: secret.annotations.update({ORPHANED_SINCE_ANNOTATION: forged}))
    server.remove()
    await operator.settle()
    assert mark(server) == "2026-01-31T12:00:00Z"
    operator.now = NOW + timedelta(days=days)
    await operator.settle()

    assert server.secret is None


async def test_what_was_changed_between_the_look_and_the_deletion_stays() -> None:
    server, operator = await ready(AT_ONCE)
    server.remove()
    operator.catch_up()
    await operator.one_pass()

    async def change() -> None:
        server.change_secret(lambda secret: secret.annotations.update(mine="yes"))

    server.meanwhile[len(server.asked) + 3] = change
    assert (await operator.one_pass()).acted is Act.DESTROY
    assert server.secret

    await operator.settle()
    assert server.secret is None


@pytest.mark.parametrize("call", range(8))
async def test_trouble_on_the_way_asks_for_another_try_and_changes_nothing_else(call: int) -> None:
    server, operator = await ready(AT_ONCE)
    server.remove()
    server.fault_before[len(server.asked) + call] = unavailable()
    await operator.settle()

    assert server.secret is None


async def test_a_secret_that_does_not_open_is_left_alone() -> None:
    server, operator = await ready(AT_ONCE)
    server.change_secret(lambda secret: secret.data.update(record=b"{}"))
    server.remove()
    operator.now = NOW + timedelta(days=4000)
    await operator.settle()

    assert server.secret
