"""Trouble and crashes at every request in turn: it is tried again, there is never a second key, and it ends Ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.store import Kind
from sshcredential_operator.encryption.credential_secret import open_credential, open_key
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.one_pass import PATIENCE, Outcome
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.operator_memory import Crashed, Operator, unavailable
from unit.reconcile.samples import KEY, OTHER_PAIR, PAIR
from unit.reconcile.sealing_desk import sealed
from unit.reconcile.server_memory import Server

GENERATED: dict[str, Any] = {"generate": {}}
ROTATED: dict[str, Any] = {"generate": {}, "rotation": {"serial": 1}}
IMPORTED: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "my-key"}}}
FORBIDDEN = TroubleError(Reason.FORBIDDEN, {"verb": "create", "resource": "secrets", "code": 403})
QUOTA = TroubleError(Reason.QUOTA_EXCEEDED)
RING = TroubleError(Reason.KEY_RING_UNAVAILABLE)

Story = Callable[[Server, Operator], Awaitable[None]]


async def a_key_is_generated(server: Server, operator: Operator) -> None:
    server.apply(GENERATED)
    await operator.settle()


async def a_key_with_a_passphrase_is_generated(server: Server, operator: Operator) -> None:
    server.apply({"generate": {"passphrase": "Generate"}})
    await operator.settle()


async def a_key_is_imported(server: Server, operator: Operator) -> None:
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal()})
    server.apply(IMPORTED)
    await operator.settle()


async def a_credential_comes_back(server: Server, operator: Operator) -> None:
    await a_key_is_imported(server, operator)
    server.remove()
    await operator.settle()
    server.apply(IMPORTED | {"deletionPolicy": "Retain"})
    await operator.settle()


async def a_policy_is_changed(server: Server, operator: Operator) -> None:
    await a_key_is_generated(server, operator)
    server.apply(GENERATED | {"deletionGracePeriod": "1h"})
    await operator.settle()


async def a_lost_import_is_taken_again(server: Server, operator: Operator) -> None:
    await a_key_is_imported(server, operator)
    server.remove_secret()
    await operator.settle()


async def a_key_is_replaced_and_the_old_one_ends(server: Server, operator: Operator) -> None:
    await a_key_is_generated(server, operator)
    server.apply(ROTATED)
    await operator.settle()
    for _ in range(2):
        operator.now += timedelta(days=2)
        await operator.settle()


async def a_key_is_staged_and_promoted_and_rolled_back(server: Server, operator: Operator) -> None:
    await a_key_is_generated(server, operator)
    first = server.status().get("fingerprint") if server.status() else None
    rotation: dict[str, Any] = {"serial": 1, "prepare": "1h", "overlap": "168h"}
    server.apply(GENERATED | {"rotation": rotation})
    await operator.settle()
    operator.now += timedelta(hours=2)
    await operator.settle()
    server.apply(GENERATED | {"rotation": rotation | {"rollbackTo": first}})
    await operator.settle()


async def a_sealed_key_is_taken_and_replaced(server: Server, operator: Operator) -> None:
    server.apply(sealed(PAIR))
    await operator.settle()
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()


async def a_sealed_key_is_announced_and_taken_back(server: Server, operator: Operator) -> None:
    announced: dict[str, Any] = {"rotation": {"prepare": "24h"}}
    for pair in (PAIR, OTHER_PAIR, PAIR):
        server.apply(sealed(pair) | announced)
        await operator.settle()
    operator.now += timedelta(seconds=4)
    await operator.settle()


async def a_lost_sealed_key_is_taken_again(server: Server, operator: Operator) -> None:
    server.apply(sealed(PAIR))
    await operator.settle()
    server.remove_secret()
    await operator.settle()


STORIES: list[Story] = [
    a_key_is_generated,
    a_key_with_a_passphrase_is_generated,
    a_key_is_imported,
    a_credential_comes_back,
    a_policy_is_changed,
    a_lost_import_is_taken_again,
    a_key_is_replaced_and_the_old_one_ends,
    a_key_is_staged_and_promoted_and_rolled_back,
    a_sealed_key_is_taken_and_replaced,
    a_sealed_key_is_announced_and_taken_back,
    a_lost_sealed_key_is_taken_again,
]

CRASHED: list[Story] = [a_key_is_generated, a_key_is_imported, *STORIES[-3:]]
"""Which of them begin again where a crash ended them, without the user's next step."""


class Watched(Server):
    """Keeps every revision of the credential's Secret, to be opened at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.revisions: list[dict[str, bytes]] = []

    def keep_secret(self, place: tuple[str, str], secret: Any) -> None:
        super().keep_secret(place, secret)
        if place == (KEY.namespace, KEY.secret_name):
            self.revisions.append(dict(secret.data))

    def keys_by_number(self, operator: Operator) -> dict[tuple[str, int], set[str]]:
        """Return which keys every (credential, key number) ever had; each revision opens."""
        found: dict[tuple[str, int], set[str]] = {}
        for data in self.revisions:
            record = self._record(data, operator)
            for key in record.keys:
                material = open_key(data, record, key.key_number, *KEY, operator.workspaces.keks.get)
                assert material
                public = stored_public_key(material.private)
                assert public
                found.setdefault((record.credential_id, key.key_number), set()).add(public.fingerprint)
        return found

    def _record(self, data: dict[str, bytes], operator: Operator) -> Record:
        opened = open_credential(data, *KEY, operator.workspaces.keks.get, stored_public_key)
        return opened.record  # type: ignore[union-attr]  # it opens at every revision


async def played(story: Story, *, patient: bool = True, **faults: Mapping[int, Exception]) -> tuple[Watched, Operator]:
    server = Watched()
    operator = Operator(server)
    server.fault_before, server.fault_after = dict(faults.get("before", {})), dict(faults.get("after", {}))
    operator.failures = 0 if patient else PATIENCE
    await story(server, operator)
    return server, operator


def at(when: str, number: int, error: Exception) -> dict[str, Mapping[int, Exception]]:
    return {when: {number: error}}


def hold(server: Watched, operator: Operator) -> None:
    assert server.reason() == "Available"
    keys = server.keys_by_number(operator)
    assert all(len(fingerprints) == 1 for fingerprints in keys.values()), keys
    assert len({identity for identity, _ in keys}) == 1
    status = server.status()
    assert keys[status["credentialId"], status["keyNumber"]] == {status["fingerprint"]}
    assert server.condition("Reconciling") is None
    assert server.condition("Stalled") is None


@pytest.mark.parametrize("story", STORIES)
async def test_without_trouble_no_story_writes_more_than_three_times_a_change(story: Story) -> None:
    server, operator = await played(story)

    hold(server, operator)
    assert len(server.writes) <= 12


@pytest.mark.parametrize(
    ("trouble", "when", "patient"),
    [
        pytest.param(unavailable(), "before", True, id="a hiccup before it was served"),
        pytest.param(unavailable(), "after", True, id="a lost answer"),
        pytest.param(unavailable(), "before", False, id="unavailable for a while"),
        pytest.param(FORBIDDEN, "before", True, id="forbidden"),
    ],
)
@pytest.mark.parametrize("story", STORIES)
async def test_trouble_at_every_request_in_turn(story: Story, trouble: TroubleError, when: str, patient: bool) -> None:
    plain, _ = await played(story)
    assert plain.asked
    for number in range(len(plain.asked)):
        server, operator = await played(story, patient=patient, **at(when, number, trouble))
        hold(server, operator)


@pytest.mark.parametrize("story", STORIES)
async def test_trouble_at_several_requests_in_a_row(story: Story) -> None:
    plain, _ = await played(story)
    for number in range(len(plain.asked)):
        faults: dict[int, Exception] = dict.fromkeys(range(number, number + 5), unavailable())
        server, operator = await played(story, before=faults)
        hold(server, operator)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("story", CRASHED)
async def test_a_crash_at_every_request_in_turn_and_a_start_by_what_is_there(story: Story, when: str) -> None:
    plain, _ = await played(story)
    for number in range(len(plain.asked)):
        server = Watched()
        operator = Operator(server)
        setattr(server, f"fault_{when}", {number: Crashed()})
        with pytest.raises(Crashed):
            await story(server, operator)
        restarted = Operator(server)
        await restarted.settle()
        hold(server, restarted)


@pytest.mark.parametrize("trouble", [unavailable(), FORBIDDEN, QUOTA, RING], ids=lambda trouble: trouble.reason.value)
async def test_trouble_that_lasts_is_told_and_asks_for_another_try(trouble: TroubleError) -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    operator.failures = PATIENCE
    server.refuses["create secret"] = trouble
    outcome = await operator.one_pass()

    assert (outcome.reason, outcome.retry) == (trouble.reason, True)
    assert server.reason() == trouble.reason.value
    assert server.condition("Reconciling")
    assert server.condition("Stalled") is None


async def test_a_hiccup_is_not_called_a_bad_state() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    server.refuses["create secret"] = unavailable()
    for failures in range(PATIENCE):
        operator.failures = failures
        assert (await operator.one_pass()).retry
        assert server.reason() == "Pending"
    operator.failures = PATIENCE
    await operator.one_pass()

    assert server.reason() == "ServerUnavailable"


async def test_what_the_server_asks_for_gets_to_the_queue() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    server.refuses["create secret"] = TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=7)

    assert (await operator.one_pass()).retry_after == 7


async def test_trouble_with_the_key_ring_on_the_way_in_is_told() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    restarted = Operator(server)
    server.refuses["get kek of genomics"] = FORBIDDEN
    restarted.failures = PATIENCE
    outcome = await restarted.one_pass()
    assert outcome == Outcome(Reason.FORBIDDEN, retry=True, reported=True)
    assert server.reason() == "Forbidden"

    server.refuses.clear()
    await restarted.settle()
    assert server.reason() == "Available"


async def test_a_status_that_cannot_be_written_is_trouble_of_the_pass() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    server.refuses["patch status"] = FORBIDDEN
    with pytest.raises(TroubleError) as raised:
        await operator.one_pass()
    assert raised.value is FORBIDDEN

    server.refuses.clear()
    await operator.settle()
    assert server.reason() == "Available"
    assert len(operator.keys.made) == 1


async def test_a_status_that_somebody_overtook_is_tried_again_at_once() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)

    async def edit() -> None:
        server.apply(GENERATED | {"description": "Login node"})

    server.meanwhile[2] = edit
    outcomes = await operator.settle()

    assert isinstance(outcomes[0], TroubleError)
    assert outcomes[0].retry_after == 0
    assert server.status()["observedGeneration"] == 2
    assert server.writes.count("create secret") == 1


async def test_watches_that_are_not_permitted_are_told_before_anything_is_made() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    operator.store.blocked(Kind.SECRETS, KEY.namespace, FORBIDDEN)
    outcome = await operator.one_pass()

    assert outcome == Outcome(Reason.FORBIDDEN, retry=True)
    assert server.secret is None


async def test_a_previous_key_stays_as_long_as_the_status_shows_it_though_the_answer_to_that_was_lost() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    server.apply(GENERATED | {"rotation": {"serial": 1, "overlap": "5s"}})
    operator.catch_up()
    server.fault_after[len(server.asked) + 2] = unavailable()

    with pytest.raises(TroubleError):
        await operator.one_pass()
    assert server.asked[-1] == "patch status"
    assert server.status()["previous"]
    operator.now += timedelta(seconds=30)
    with suppress(TroubleError):
        await operator.one_pass()  # the watch has told nothing

    assert server.secret
    assert "previous" not in server.status() or "privateKey.1" in server.secret.data
    await operator.settle()
    assert "privateKey.1" not in server.secret.data


async def test_one_answer_that_a_credential_is_gone_is_not_believed_while_the_watch_shows_it() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    server.apply(GENERATED | {"rotation": {"serial": 1, "overlap": "5s"}})
    await operator.settle()
    operator.now += timedelta(seconds=30)
    await operator.one_pass()  # the status shows the previous key no more
    operator.catch_up()
    there = server.credentials.pop(KEY)

    assert (await operator.one_pass()).retry

    assert server.asked[-1] == "get credential"
    assert server.secret
    assert server.secret.annotations == {}
    assert "privateKey.1" in server.secret.data
    server.credentials[KEY] = there
    await operator.settle()
    assert "privateKey.1" not in server.secret.data


async def test_an_answer_from_before_the_end_that_a_watch_has_told_is_not_believed() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    before = server.secret
    assert before
    server.remove_secret()
    operator.catch_up()
    server.secrets[KEY.namespace, KEY.secret_name] = before

    await operator.settle()

    assert server.reason() == "SecretLost"


async def test_no_status_turns_green_by_a_secret_that_only_an_old_list_has_shown() -> None:
    server = Server()
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    restarted = Operator(server)
    server.remove_secret()
    await operator.settle()
    server.writes.clear()
    restarted.store.saw_credential(parse_credential(server.credentials[KEY]), deleted=False)

    assert (await restarted.one_pass()).retry

    await restarted.settle()
    assert server.writes == []
    assert server.reason() == "SecretLost"
