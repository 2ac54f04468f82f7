"""Passes over a credential whose Secret is there already, or is another than the status says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, SECRET_TYPE
from sshcredential_operator.reconcile.one_pass import PATIENCE
from unit.reconcile.operator_memory import Operator, unavailable
from unit.reconcile.samples import KEY, OTHER_PAIR, PAIR
from unit.reconcile.server_memory import Server

GENERATED: dict[str, Any] = {"generate": {}}
IMPORTED: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "my-key"}}}
SUSPENDED: dict[str, Any] = {"suspend": True}


async def made(spec: dict[str, Any]) -> tuple[Server, Operator]:
    """Return a cluster in which the credential is Ready; an import's input is there."""
    server = Server()
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal()})
    server.apply(spec)
    operator = Operator(server)
    await operator.settle()
    assert server.reason() == "Available"
    return server, operator


async def foreign_data() -> dict[str, bytes]:
    """Return what opens at the same place, and holds the key of another credential."""
    server, _ = await made(GENERATED)
    assert server.secret
    return dict(server.secret.data)


@pytest.mark.parametrize("spec", [GENERATED, IMPORTED], ids=["generated", "imported"])
async def test_a_credential_that_comes_back_gets_its_key_again(spec: dict[str, Any]) -> None:
    server, operator = await made(spec)
    before = server.status()

    server.remove()
    await operator.settle()
    assert server.secret
    assert ORPHANED_SINCE_ANNOTATION in server.secret.annotations
    server.apply(spec)
    await operator.settle()

    assert server.reason() == "Available"
    assert {name: server.status()[name] for name in ("credentialId", "fingerprint", "createdAt")} == {
        name: before[name] for name in ("credentialId", "fingerprint", "createdAt")
    }
    assert ORPHANED_SINCE_ANNOTATION not in server.secret.annotations
    assert operator.announcer.events.count("Adopted") == 1


async def test_another_key_in_the_input_is_not_taken_and_nothing_is_changed() -> None:
    server, operator = await made(IMPORTED)
    server.remove()
    await operator.settle()
    held = server.secret
    server.put_secret("my-key", {"ssh-privatekey": OTHER_PAIR.private.reveal()})
    server.apply(IMPORTED)
    await operator.settle()

    assert server.reason() == "AdoptedKeyDiffers"
    assert server.secret
    assert held
    assert server.secret.data == held.data
    assert "fingerprint" not in server.status()


@pytest.mark.parametrize("failures", [0, PATIENCE], ids=["a hiccup", "lasting"])
@pytest.mark.parametrize("call", range(4))
async def test_trouble_on_the_way_does_not_hide_that_the_input_brings_another_key(call: int, failures: int) -> None:
    server, operator = await made(IMPORTED)
    server.remove()
    await operator.settle()
    server.put_secret("my-key", {"ssh-privatekey": OTHER_PAIR.private.reveal()})
    server.apply(IMPORTED)
    server.fault_before[len(server.asked) + call] = unavailable()
    operator.failures = failures
    await operator.settle()

    assert server.reason() == "AdoptedKeyDiffers"


async def test_suspending_does_not_hide_that_the_input_brings_another_key() -> None:
    server, operator = await made(IMPORTED)
    server.remove()
    await operator.settle()
    server.put_secret("my-key", {"ssh-privatekey": OTHER_PAIR.private.reveal()})
    server.apply(IMPORTED | SUSPENDED)
    await operator.settle()
    assert server.reason() == "Suspended"
    assert "fingerprint" not in server.status()

    server.apply(IMPORTED)
    await operator.settle()

    assert server.reason() == "AdoptedKeyDiffers"


async def test_a_secret_that_was_swapped_is_told_and_left_alone() -> None:
    server, operator = await made(GENERATED)
    before = server.status()
    data = await foreign_data()
    server.put_secret(KEY.secret_name, data, SECRET_TYPE)
    await operator.settle()

    assert server.reason() == "SecretTampered"
    assert server.status()["credentialId"] == before["credentialId"]
    assert server.secret
    assert server.secret.data == data


STAGED: dict[str, Any] = {"generate": {}, "rotation": {"serial": 1, "prepare": "24h"}}
AT_ONCE: dict[str, Any] = {"generate": {}, "rotation": {"serial": 1}}


@pytest.mark.parametrize("rotated", [STAGED, AT_ONCE], ids=["staged", "in use"])
async def test_a_copy_from_before_a_rotation_is_no_reason_to_make_another_key_of_that_number(
    rotated: dict[str, Any],
) -> None:
    server, operator = await made(GENERATED)
    assert server.secret
    old = dict(server.secret.data)
    server.apply(rotated)
    await operator.settle()
    shown = {member: server.status().get(member) for member in ("fingerprint", "next", "keyNumber")}
    server.put_secret(KEY.secret_name, old, SECRET_TYPE)
    await operator.settle()

    assert server.reason() == "RollbackDetected"
    assert {member: server.status().get(member) for member in shown} == shown
    assert server.secret.data == old
    assert len(operator.keys.made) == 2


async def test_a_status_that_lags_behind_several_rotations_accuses_nobody() -> None:
    server, operator = await made(GENERATED)
    server.apply(STAGED)
    await operator.settle()
    before = dict(server.status())
    server.apply({"generate": {}, "rotation": {"serial": 1}})
    operator.now += timedelta(days=2)
    await operator.settle()
    server.apply({"generate": {}, "rotation": {"serial": 2, "overlap": "0s"}})
    await operator.settle()
    operator.now += timedelta(days=2)
    await operator.settle()
    assert server.status()["keyNumber"] == 3

    server.write_status(before)
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["keyNumber"] == 3


@pytest.mark.parametrize("failures", [0, PATIENCE], ids=["a hiccup", "lasting"])
@pytest.mark.parametrize("call", range(4))
async def test_trouble_on_the_way_does_not_make_a_swapped_secret_ours(call: int, failures: int) -> None:
    server, operator = await made(GENERATED)
    before = server.status()
    server.put_secret(KEY.secret_name, await foreign_data(), SECRET_TYPE)
    server.fault_before[len(server.asked) + call] = unavailable()
    operator.failures = failures
    await operator.settle()

    assert server.reason() == "SecretTampered"
    assert server.status()["fingerprint"] == before["fingerprint"]
