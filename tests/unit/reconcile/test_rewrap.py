"""`reconcile/rewrap.py` and its checks: one guarded PATCH, and nothing where it cannot be done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.store import Kind
from sshcredential_operator.encryption.credential_secret import peek_kids
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.rewrapping import Rewrap, under_another_kek
from sshcredential_operator.reconcile.observed import Stored
from sshcredential_operator.reconcile.rewrap_checks import is_outdated
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import KEY, KID
from unit.reconcile.server_memory import SecretObject, Server

NEWER = Kek("2.6f1c0a2b3c4d.00000000000000bb", Sensitive(bytes(range(32, 64))))
SPEC: Mapping[str, Any] = {"generate": {}}
KEPT = ("protected", "iv", "ciphertext", "tag", "aad")


async def made(spec: Mapping[str, Any] = SPEC) -> tuple[Server, Operator]:
    """Return a ready credential, and an operator whose workspace has a newer key."""
    server = Server()
    operator = Operator(server)
    for kind in (Kind.CREDENTIALS, Kind.SECRETS):
        operator.store.listed(kind, None, (), frozenset())
    server.apply(spec)
    await operator.settle()
    assert server.reason() == "Available"
    operator.workspaces.keks = {NEWER.kid: NEWER, **operator.workspaces.keks}
    server.writes.clear()
    return server, operator


def turn(operator: Operator, *, re_encrypt: bool = False) -> None:
    """Give the credential its turn."""
    operator.world = replace(operator.world, rewrap=lambda _: Rewrap(NEWER, re_encrypt=re_encrypt))


def values(server: Server) -> dict[str, dict[str, Any]]:
    assert server.secret
    return {name: json.loads(value) for name, value in server.secret.data.items()}


def parts(found: dict[str, dict[str, Any]], names: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: [value[part] for part in names] for name, value in found.items()}


async def test_a_turn_is_one_patch_of_the_secret_and_one_of_the_status() -> None:
    server, operator = await made()
    before, fingerprint = values(server), server.status()["fingerprint"]
    turn(operator)
    await operator.settle()
    assert server.writes == ["patch secret", "patch status"]
    assert parts(values(server), KEPT) == parts(before, KEPT)
    assert {value["header"]["kid"] for value in values(server).values()} == {NEWER.kid}
    assert server.status()["encryption"] == {"keyId": NEWER.kid}
    assert (server.status()["fingerprint"], server.reason()) == (fingerprint, "Available")


async def test_a_second_turn_writes_nothing() -> None:
    server, operator = await made()
    turn(operator)
    await operator.settle()
    server.writes.clear()
    await operator.settle()
    assert server.writes == []


async def test_a_status_that_is_newer_than_the_secret_that_the_watch_has_shown_stays() -> None:
    server, operator = await made()
    restarted = Operator(server)  # its lists are from before the turn
    restarted.workspaces.keks = operator.workspaces.keks
    turn(operator)
    await operator.settle()
    server.writes.clear()
    restarted.store.saw_credential(parse_credential(server.credentials[KEY]), deleted=False)

    await restarted.one_pass()

    assert server.writes == []
    assert server.status()["encryption"] == {"keyId": NEWER.kid}
    await restarted.settle()
    assert server.writes == []


async def test_without_a_turn_a_newer_key_changes_nothing() -> None:
    server, operator = await made()
    await operator.settle()
    assert server.writes == []
    assert server.status()["encryption"] == {"keyId": KID}


async def test_data_keys_are_new_where_the_turn_says_so_and_the_key_is_the_same() -> None:
    server, operator = await made()
    before, fingerprint = values(server), server.status()["fingerprint"]
    turn(operator, re_encrypt=True)
    await operator.settle()
    assert server.writes == ["patch secret", "patch status"]
    for name, value in values(server).items():
        assert value["ciphertext"] != before[name]["ciphertext"]
        assert value["aad"] == before[name]["aad"]
    assert server.status()["fingerprint"] == fingerprint
    again = Operator(server)
    again.workspaces.keks = {NEWER.kid: NEWER}
    for kind in (Kind.CREDENTIALS, Kind.SECRETS):
        again.store.listed(kind, None, (), frozenset())
    await again.settle()
    assert server.reason() == "Available"


async def test_a_suspended_credential_gets_its_turn_too() -> None:
    server, operator = await made()
    server.apply({**SPEC, "suspend": True})
    await operator.settle()
    turn(operator)
    await operator.settle()
    assert {value["header"]["kid"] for value in values(server).values()} == {NEWER.kid}


async def test_who_was_overtaken_looks_again_and_overwrites_nothing() -> None:
    server, operator = await made()
    turn(operator)

    def annotated(secret: SecretObject) -> None:
        secret.annotations["mine"] = "yes"

    async def meanwhile() -> None:
        server.change_secret(annotated)

    at = len(server.asked)
    for number in range(at, at + 12):
        server.meanwhile[number] = meanwhile
    await operator.one_pass()
    assert "patch secret" not in server.writes
    assert server.secret
    assert peek_kids(server.secret.data) == {KID}
    server.meanwhile.clear()
    await operator.settle()
    assert server.secret.annotations == {"mine": "yes"}
    assert server.writes.count("patch secret") == 1
    assert peek_kids(server.secret.data) == {NEWER.kid}


async def test_what_was_read_anew_is_looked_at_before_it_is_wrapped() -> None:
    server, operator = await made()
    turn(operator)

    async def meanwhile() -> None:
        server.change_secret(lambda secret: secret.annotations.update(mine="yes"))

    server.meanwhile[len(server.asked)] = meanwhile  # the live read shows another revision than was seen
    await operator.one_pass()
    assert server.writes == []


@pytest.mark.parametrize("newer", [(), ("record",)], ids=["all under the old key", "a record under the newer"])
async def test_what_was_wrapped_is_known_at_once_as_being_under_one_key(newer: tuple[str, ...]) -> None:
    server, operator = await made()
    assert server.secret
    changed = under_another_kek(server.secret.data, operator.workspaces.keks.get, Rewrap(NEWER))
    assert changed
    server.change_secret(lambda secret: secret.data.update({name: changed[name] for name in newer}))
    operator.catch_up()
    turn(operator)
    await operator.one_pass()
    stored = operator.store.secret(KEY)
    assert isinstance(stored, Stored)
    assert (stored.key_id, stored.mixed, stored.resource_version) == (NEWER.kid, False, str(server.secret.version))
    assert peek_kids(server.secret.data) == {NEWER.kid}


async def test_a_secret_that_may_not_be_changed_stays_ready_under_its_key() -> None:
    server, operator = await made()

    def fixed(secret: SecretObject) -> None:
        secret.immutable = True

    server.change_secret(fixed)
    operator.catch_up()
    turn(operator)
    await operator.settle()
    assert server.secret
    assert peek_kids(server.secret.data) == {KID}
    assert (server.reason(), server.status()["encryption"]) == ("Available", {"keyId": KID})
    assert server.writes == []


async def test_a_secret_that_is_gone_is_not_made_again_by_a_turn() -> None:
    server, operator = await made()
    turn(operator)

    async def meanwhile() -> None:
        if server.secret:
            server.remove_secret()

    server.meanwhile[len(server.asked)] = meanwhile
    await operator.settle()
    assert server.secret is None
    assert (server.reason(), server.writes) == ("SecretLost", ["patch status"])


async def test_a_secret_whose_old_key_is_gone_is_left_as_it_is() -> None:
    server, operator = await made()
    assert server.secret
    data = dict(server.secret.data)
    del operator.workspaces.keks[KID]
    turn(operator)
    await operator.settle()
    assert server.secret.data == data
    assert "patch secret" not in server.writes
    assert server.reason() == "KeyUnavailable"


async def test_an_orphans_mark_stays_when_its_secret_is_wrapped_anew() -> None:
    server, operator = await made()
    server.remove()
    await operator.settle()
    assert server.secret
    marked = dict(server.secret.annotations)
    assert marked
    turn(operator)
    await operator.settle()
    assert peek_kids(server.secret.data) == {NEWER.kid}
    assert server.secret.annotations == marked


@pytest.mark.parametrize(
    ("kid", "mixed", "outdated"),
    [(KID, False, True), (KID, True, True), (NEWER.kid, False, False), (NEWER.kid, True, True)],
    ids=["an old key", "an old key and another", "the newest", "the newest and another"],
)
async def test_a_secret_is_outdated_when_any_value_is_under_another_key(kid: str, mixed: bool, outdated: bool) -> None:
    _, operator = await made()
    stored = operator.store.secret(KEY)
    assert isinstance(stored, Stored)
    assert is_outdated(replace(stored, key_id=kid, mixed=mixed), NEWER.kid) is outdated
