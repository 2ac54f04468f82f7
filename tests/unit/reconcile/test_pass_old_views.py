"""Passes of one that was started over what is there: nothing is read, and no old list takes a newer status back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from sshcredential_operator.api.credential import parse_credential
from unit.reconcile.operator_memory import Operator, unavailable
from unit.reconcile.samples import KEY, OTHER_PAIR, PAIR
from unit.reconcile.sealing_desk import sealed
from unit.reconcile.server_memory import Server
from unit.reconcile.test_rewrap import NEWER, turn

GENERATED: dict[str, Any] = {"generate": {}}
IMPORTED: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "my-key"}}}
ANOTHER_ALGORITHM: dict[str, Any] = {"generate": {"algorithm": "ECDSA", "bits": 384}}
SUSPENDED: dict[str, Any] = GENERATED | {"suspend": True}

Change = Callable[[Server], object]


def raised(spec: Mapping[str, Any], serial: int, **rotation: Any) -> dict[str, Any]:
    return {**spec, "rotation": {"serial": serial, **rotation}}


def restarted(server: Server, before: Operator) -> Operator:
    """Start another operator over what is there, with the same key ring, inputs and time."""
    operator = Operator(server)
    operator.now, operator.workspaces.keks = before.now, before.workspaces.keks
    operator.inputs.watched = dict(before.inputs.watched)
    operator.world = replace(operator.world, now=lambda: operator.now)
    return operator


async def settled(*specs: Mapping[str, Any]) -> tuple[Server, Operator]:
    """Apply one spec after the other."""
    server = Server()
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal()})
    operator = Operator(server)
    for spec in specs:
        server.apply(spec)
        await operator.settle()
    return server, operator


async def under_another_key(operator: Operator) -> None:
    """Give the credential its turn under a newer key of the workspace."""
    operator.workspaces.keks = {NEWER.kid: NEWER, **operator.workspaces.keks}
    turn(operator)
    await operator.settle()


# --- what a start costs


@pytest.mark.parametrize("rewrapped", [False, True])
@pytest.mark.parametrize(
    "specs",
    [
        pytest.param([GENERATED], id="plain"),
        pytest.param([GENERATED, SUSPENDED], id="suspended"),
        pytest.param([GENERATED, ANOTHER_ALGORITHM], id="another algorithm"),
        pytest.param([GENERATED, ANOTHER_ALGORITHM | {"suspend": True}], id="another algorithm, suspended"),
        pytest.param([GENERATED, IMPORTED], id="another source"),
        pytest.param([IMPORTED], id="imported"),
        pytest.param([sealed(PAIR)], id="sealed"),
        pytest.param([sealed(PAIR), sealed(OTHER_PAIR, name="other")], id="sealed for another"),
        pytest.param([GENERATED, raised(GENERATED, 1)], id="rotated"),
        pytest.param([GENERATED, raised(GENERATED, 1, prepare="24h")], id="staged"),
        pytest.param([GENERATED, *(raised(GENERATED, serial) for serial in range(1, 12))], id="too many keys"),
        pytest.param([raised(GENERATED, 3), raised(GENERATED, 1)], id="a serial that fell"),
        pytest.param([GENERATED, raised(GENERATED, 0, rollbackTo="SHA256:" + "A" * 43)], id="a way back to nowhere"),
    ],
)
async def test_a_start_reads_and_writes_nothing_for_who_is_there(
    specs: list[Mapping[str, Any]], *, rewrapped: bool
) -> None:
    server, operator = await settled(*specs)
    if rewrapped:
        await under_another_key(operator)
    after = restarted(server, operator)
    server.asked.clear()

    await after.settle()

    assert [what for what in server.asked if "kek" not in what] == []


async def missing(server: Server) -> None:
    server.remove_secret("my-key")


async def another(server: Server) -> None:
    server.put_secret("my-key", {"something": b"else"})


@pytest.mark.parametrize("lacking", [missing, another])
async def test_the_status_follows_a_turn_while_the_input_of_the_next_key_is_awaited(
    lacking: Callable[[Server], Awaitable[None]],
) -> None:
    server, operator = await settled(IMPORTED)
    await lacking(server)
    server.apply(raised(IMPORTED, 1))
    await operator.settle()

    await under_another_key(operator)

    assert server.reason() in {"InputSecretMissing", "InputKeyMissing"}
    assert server.status()["encryption"] == {"keyId": NEWER.kid}
    after = restarted(server, operator)
    server.asked.clear()
    await after.settle()
    assert "get secret" not in server.asked


# --- a status that is newer than the Secret that a list has shown


def lost(server: Server) -> None:
    server.remove_secret()


def tampered(server: Server) -> None:
    server.change_secret(lambda secret: secret.data.update({"record": b"x"}))


@pytest.mark.parametrize("happened", [lost, tampered])
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(GENERATED, id="nothing else"),
        pytest.param(ANOTHER_ALGORITHM, id="another algorithm"),
        pytest.param(IMPORTED, id="another source"),
        pytest.param(SUSPENDED, id="suspended"),
    ],
)
async def test_a_key_in_doubt_stays_so_whatever_an_old_list_has_shown(happened: Change, spec: dict[str, Any]) -> None:
    server, operator = await settled(GENERATED)
    after = restarted(server, operator)  # its list of Secrets is from here
    happened(server)
    await operator.settle()
    server.apply(spec)
    await operator.settle()
    before = server.reason()
    server.writes.clear()
    after.store.saw_credential(parse_credential(server.credentials[KEY]), deleted=False)

    await after.one_pass()
    assert server.reason() == before

    await after.settle()
    assert (server.reason(), server.writes) == (before, [])


async def test_one_refusal_does_not_write_over_what_a_suspended_credential_says() -> None:
    server, operator = await settled(GENERATED)
    server.remove_secret()
    await operator.settle()
    server.apply(SUSPENDED)
    await operator.settle()
    assert server.reason() == "SecretLost"
    after = restarted(server, operator)
    server.writes.clear()
    server.refuses["get secret"] = unavailable()

    assert (await after.one_pass()).retry

    server.refuses.clear()
    await after.settle()
    assert (server.reason(), server.writes) == ("SecretLost", [])
