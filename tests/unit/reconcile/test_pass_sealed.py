"""Passes over a credential whose key came sealed: made, replaced, withdrawn, refused, and never by accident."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.sealing import Scope
from sshcredential_operator.keys.generate import generate
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import KEY, OTHER_PAIR, PAIR
from unit.reconcile.sealing_desk import FIRST, PASSPHRASE, SECOND, sealed
from unit.reconcile.server_memory import Server

THIRD_PAIR = generate(Algorithm.ED25519, 256, "")
PREPARED: dict[str, Any] = {"rotation": {"prepare": "24h"}}
GENERATED: dict[str, Any] = {"generate": {}}
IMPORTED: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "my-key"}}}


async def made(spec: dict[str, Any]) -> tuple[Server, Operator]:
    """Return a cluster in which the credential is Ready."""
    server = Server()
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal()})
    server.apply(spec)
    operator = Operator(server)
    await operator.settle()
    assert server.reason() == "Available"
    server.writes.clear()
    server.asked.clear()
    return server, operator


def fingerprint(server: Server) -> object:
    return server.status().get("fingerprint")


async def test_a_sealed_key_is_ready_after_two_writes() -> None:
    server = Server()
    server.apply(sealed(PAIR))
    operator = Operator(server)
    await operator.settle()

    assert server.reason() == "Available"
    assert fingerprint(server) == PAIR.public.fingerprint
    assert server.writes == ["create secret", "patch status"]
    assert operator.announcer.events == []


async def test_a_passphrase_is_stored_beside_the_key() -> None:
    server, _ = await made(sealed(PAIR, passphrase=PASSPHRASE))

    assert server.status()["passphraseProtected"] is True
    assert server.secret
    assert server.secret.data.keys() == {"record", "privateKey.1", "passphrase.1"}


async def test_any_credential_of_the_namespace_may_use_a_value_for_the_namespace() -> None:
    server, _ = await made(sealed(PAIR, scope=Scope.NAMESPACE, name=None))

    assert fingerprint(server) == PAIR.public.fingerprint


async def test_another_sealed_key_is_a_rotation_with_overlap() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()

    assert fingerprint(server) == OTHER_PAIR.public.fingerprint
    assert server.status()["previous"]["fingerprint"] == PAIR.public.fingerprint
    assert server.status()["keyNumber"] == 2
    assert server.writes == ["patch secret", "patch status"]


async def test_the_same_key_sealed_again_changes_nothing_and_is_not_opened() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(PAIR))
    await operator.settle()

    assert server.status()["keyNumber"] == 1
    assert "get sealing key" not in server.asked
    assert server.writes == ["patch status"]  # observedGeneration


async def test_a_restart_opens_and_writes_nothing() -> None:
    server, _ = await made(sealed(PAIR))
    await Operator(server).settle()

    assert server.writes == []
    assert "get sealing key" not in server.asked


async def test_a_stored_key_does_not_need_its_sealing_key_any_more() -> None:
    server, _ = await made(sealed(PAIR))
    operator = Operator(server)
    operator.sealing.halves.clear()
    await operator.settle()

    assert server.reason() == "Available"
    assert server.writes == []


async def test_back_in_git_is_back_to_the_key_before() -> None:
    server, operator = await made(sealed(PAIR))
    for spec in (sealed(OTHER_PAIR), sealed(PAIR)):
        server.apply(spec)
        await operator.settle()

    assert fingerprint(server) == PAIR.public.fingerprint
    assert server.status()["keyNumber"] == 3
    assert server.status()["previous"]["fingerprint"] == OTHER_PAIR.public.fingerprint


async def test_who_went_back_to_the_key_before_keeps_it_although_another_is_sealed() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()
    server.apply(sealed(OTHER_PAIR) | {"rotation": {"rollbackTo": PAIR.public.fingerprint}})
    await operator.settle()

    assert server.reason() == "Available"
    assert fingerprint(server) == PAIR.public.fingerprint


async def test_a_raised_serial_without_another_key_is_honoured_without_a_change() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(PAIR) | {"rotation": {"serial": 1}})
    await operator.settle()

    assert server.reason() == "Available"
    assert (server.status()["keyNumber"], server.status()["rotationSerial"]) == (1, 1)


async def test_a_serial_and_another_key_together_are_one_rotation() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(OTHER_PAIR) | {"rotation": {"serial": 1}})
    await operator.settle()

    assert (server.status()["keyNumber"], server.status()["rotationSerial"]) == (2, 1)


@pytest.mark.parametrize("before", [GENERATED, IMPORTED], ids=["generated", "imported"])
async def test_sealing_another_key_in_the_place_of_another_source_is_a_rotation(before: dict[str, Any]) -> None:
    server, operator = await made(before)
    kept = fingerprint(server)
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()

    assert server.reason() == "Available"
    assert fingerprint(server) == OTHER_PAIR.public.fingerprint
    assert server.status()["previous"]["fingerprint"] == kept


async def test_sealing_the_imported_key_only_changes_where_it_comes_from() -> None:
    server, operator = await made(IMPORTED)
    server.apply(sealed(PAIR) | {"rotation": {"serial": 0}})
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["keyNumber"] == 1
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()
    assert fingerprint(server) == OTHER_PAIR.public.fingerprint


async def test_taking_the_source_does_not_lower_a_serial() -> None:
    server, operator = await made(IMPORTED | {"rotation": {"serial": 4}})
    server.apply(sealed(PAIR) | {"rotation": {"serial": 1}})
    await operator.settle()

    assert server.status()["rotationSerial"] == 4
    assert server.status()["notes"] == ["NoPassphrase", "SerialIgnored"]


async def test_another_source_in_the_place_of_a_sealed_one_changes_no_key() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(GENERATED)
    await operator.settle()

    assert server.reason() == "SourceChanged"
    assert fingerprint(server) == PAIR.public.fingerprint


# --- announced first


async def staged() -> tuple[Server, Operator]:
    server, operator = await made(sealed(PAIR) | PREPARED)
    server.apply(sealed(OTHER_PAIR) | PREPARED)
    await operator.settle()
    assert fingerprint(server) == PAIR.public.fingerprint
    assert server.status()["next"]["fingerprint"] == OTHER_PAIR.public.fingerprint
    server.writes.clear()
    return server, operator


async def linger(operator: Operator) -> None:
    operator.now += timedelta(seconds=3)
    await operator.settle()


async def test_a_staged_key_is_used_when_its_time_has_come() -> None:
    server, operator = await staged()
    operator.now += timedelta(hours=25)
    await operator.settle()

    assert fingerprint(server) == OTHER_PAIR.public.fingerprint


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=25)], ids=["at once", "when it would be used"])
async def test_a_staged_key_that_git_takes_back_is_never_used(later: timedelta) -> None:
    server, operator = await staged()
    operator.now += later
    server.apply(sealed(PAIR) | PREPARED)
    await operator.settle()

    assert server.reason() == "Available"
    assert fingerprint(server) == PAIR.public.fingerprint
    assert "next" not in server.status()
    await linger(operator)
    assert server.secret
    assert server.secret.data.keys() == {"record", "privateKey.1"}
    assert server.reason() == "Available"


async def test_a_third_key_takes_the_place_of_the_staged_one_under_a_number_of_its_own() -> None:
    server, operator = await staged()
    server.apply(sealed(THIRD_PAIR) | PREPARED)
    await operator.settle()

    assert fingerprint(server) == PAIR.public.fingerprint
    assert server.status()["next"]["fingerprint"] == THIRD_PAIR.public.fingerprint
    await linger(operator)
    assert server.secret
    assert server.secret.data.keys() == {"record", "privateKey.1", "privateKey.3"}


async def test_a_third_key_that_is_refused_leaves_the_first_in_use_and_none_announced() -> None:
    server, operator = await staged()
    server.apply(sealed(THIRD_PAIR, passphrase=PASSPHRASE) | PREPARED)
    credential = server.credentials[KEY]["spec"]["sealed"]
    server.apply({"sealed": {"privateKey": credential["privateKey"]}} | PREPARED)
    await operator.settle()

    assert server.reason() == "PassphraseRequired"
    assert fingerprint(server) == PAIR.public.fingerprint
    assert "next" not in server.status()


# --- refused, before anything is opened


def swapped() -> dict[str, Any]:
    values = sealed(PAIR, passphrase=PASSPHRASE)["sealed"]
    return {"sealed": {"privateKey": values["passphrase"], "passphrase": values["privateKey"]}}


def mixed() -> dict[str, Any]:
    ours, others = (sealed(pair, passphrase=PASSPHRASE)["sealed"] for pair in (PAIR, OTHER_PAIR))
    return {"sealed": {"privateKey": ours["privateKey"], "passphrase": others["passphrase"]}}


REFUSED = {
    "no sealed value": ({"sealed": {"privateKey": "a.b.c.d.e"}}, "SealedValueInvalid"),
    "for another namespace": (sealed(PAIR, namespace="imaging"), "SealedElsewhere"),
    "for another credential": (sealed(PAIR, name="other"), "SealedElsewhere"),
    "for another namespace as a whole": (
        sealed(PAIR, namespace="imaging", scope=Scope.NAMESPACE, name=None),
        "SealedElsewhere",
    ),
    "swapped": (swapped(), "SealedFieldMismatch"),
    "of two keys": (mixed(), "SealedValuesDiffer"),
}


@pytest.mark.parametrize(("spec", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_for_this_credential_is_refused_before_it_is_opened(
    spec: dict[str, Any], reason: str
) -> None:
    server = Server()
    server.apply(spec)
    await Operator(server).settle()

    assert server.reason() == reason
    assert "get sealing key" not in server.asked
    assert server.secret is None


@pytest.mark.parametrize(("spec", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_it_is_told_of_a_stored_key_too_which_stays(spec: dict[str, Any], reason: str) -> None:
    server, operator = await made(sealed(OTHER_PAIR))
    held = server.secret
    server.apply(spec)
    await operator.settle()

    assert server.reason() == reason
    assert server.secret == held
    assert fingerprint(server) == OTHER_PAIR.public.fingerprint
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()
    assert server.reason() == "Available"


async def test_a_value_for_the_namespace_is_refused_where_only_strict_ones_are_taken() -> None:
    server = Server()
    server.apply(sealed(PAIR, scope=Scope.NAMESPACE, name=None))
    operator = Operator(server)
    object.__setattr__(operator.world, "strict_seals_only", True)
    await operator.settle()
    assert server.reason() == "SealedScopeRefused"

    server.apply(sealed(PAIR))
    await operator.settle()
    assert server.reason() == "Available"


async def test_an_unknown_sealing_key_is_looked_for_again_and_the_key_taken_when_it_is_there() -> None:
    server = Server()
    server.apply(sealed(PAIR, to=SECOND))
    operator = Operator(server)
    *_, outcome = await operator.settle()

    assert server.reason() == "SealingKeyUnknown"
    assert getattr(outcome, "due_in", None) == 60
    operator.sealing.halves[SECOND.kid] = SECOND.private
    await operator.settle()
    assert server.reason() == "Available"


async def test_a_retired_sealing_key_opens_nothing() -> None:
    server = Server()
    server.apply(sealed(PAIR))
    operator = Operator(server)
    operator.sealing.retired.add(FIRST.kid)
    await operator.settle()

    assert server.reason() == "SealingKeyRetired"
    assert server.secret is None


async def test_a_changed_value_does_not_open() -> None:
    values = sealed(PAIR)["sealed"]
    *parts, tag = values["privateKey"].split(".")
    changed = ".".join([*parts, ("A" if tag[0] != "A" else "B") + tag[1:]])
    server = Server()
    server.apply({"sealed": {"privateKey": changed}})
    await Operator(server).settle()

    assert server.reason() == "SealedValueDamaged"


async def test_a_value_that_holds_another_key_than_it_says_is_refused() -> None:
    server = Server()
    server.apply(sealed(PAIR, fingerprint=OTHER_PAIR.public.fingerprint))
    await Operator(server).settle()

    assert server.reason() == "SealedKeyMismatch"
    assert server.secret is None


@pytest.mark.parametrize(
    ("passphrase", "reason"), [(None, "PassphraseRequired"), (Sensitive(b"wrong"), "WrongPassphrase")], ids=str
)
async def test_the_key_is_judged_as_every_other(passphrase: Sensitive | None, reason: str) -> None:
    values = sealed(PAIR, passphrase=PASSPHRASE)["sealed"]
    others = sealed(PAIR, passphrase=passphrase)["sealed"]
    server = Server()
    server.apply({"sealed": others | {"privateKey": values["privateKey"]}})
    await Operator(server).settle()

    assert server.reason() == reason
    ready = server.condition()
    assert ready
    assert "spec.sealed" in ready["message"]


# --- lost, and come back


async def test_a_lost_secret_is_made_again_from_the_same_sealed_key() -> None:
    server, operator = await made(sealed(PAIR))
    before = server.status()
    server.remove_secret()
    await operator.settle()

    assert server.reason() == "Available"
    assert {name: server.status()[name] for name in ("credentialId", "fingerprint", "keyNumber", "createdAt")} == {
        name: before[name] for name in ("credentialId", "fingerprint", "keyNumber", "createdAt")
    }


async def test_a_lost_secret_is_not_replaced_by_another_sealed_key() -> None:
    server, operator = await made(sealed(PAIR))
    server.remove_secret()
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()

    assert server.reason() == "SecretLost"
    assert server.secret is None


async def test_a_credential_that_comes_back_adopts_the_same_key() -> None:
    server, operator = await made(sealed(PAIR))
    server.remove()
    await operator.settle()
    server.apply(sealed(PAIR))
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["keyNumber"] == 1
    assert operator.announcer.events == ["Adopted"]


async def test_a_credential_that_comes_back_with_another_sealed_key_keeps_the_stored_one_as_the_previous() -> None:
    server, operator = await made(sealed(PAIR))
    server.remove()
    await operator.settle()
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()

    assert server.reason() == "Available"
    assert fingerprint(server) == OTHER_PAIR.public.fingerprint
    assert server.status()["previous"]["fingerprint"] == PAIR.public.fingerprint
    assert server.status()["keyNumber"] == 2


async def test_a_secret_put_back_from_before_the_rotation_is_told() -> None:
    server, operator = await made(sealed(PAIR))
    assert server.secret
    old = dict(server.secret.data)
    server.apply(sealed(OTHER_PAIR))
    await operator.settle()
    server.put_secret(KEY.secret_name, old, SECRET_TYPE)
    await operator.settle()

    assert server.reason() == "RollbackDetected"
    assert server.secrets[KEY.namespace, KEY.secret_name].data == old


async def test_a_secret_put_back_from_before_a_key_was_announced_is_told() -> None:
    server, operator = await made(sealed(PAIR) | PREPARED)
    assert server.secret
    old = dict(server.secret.data)
    server.apply(sealed(OTHER_PAIR) | PREPARED)
    await operator.settle()
    server.put_secret(KEY.secret_name, old, SECRET_TYPE)
    await operator.settle()

    assert server.reason() == "RollbackDetected"


async def test_nothing_is_changed_while_suspended() -> None:
    server, operator = await made(sealed(PAIR))
    server.apply(sealed(OTHER_PAIR) | {"suspend": True})
    await operator.settle()

    assert server.reason() == "Suspended"
    assert fingerprint(server) == PAIR.public.fingerprint
    assert server.writes == ["patch status"]


# --- resealing is recommended, and refuses nothing


async def test_a_newer_sealing_key_is_noted_and_sealing_again_takes_the_note_off() -> None:
    server, operator = await made(sealed(PAIR))
    assert server.status()["notes"] == ["NoPassphrase"]
    operator.sealing.halves[SECOND.kid] = SECOND.private
    await operator.settle()
    assert server.reason() == "Available"
    assert server.status()["notes"] == ["NoPassphrase", "ResealRecommended"]

    server.apply(sealed(PAIR, to=SECOND))
    await operator.settle()
    assert server.status()["notes"] == ["NoPassphrase"]
    assert server.status()["keyNumber"] == 1


async def test_one_value_that_is_sealed_to_the_older_key_is_enough_for_the_note() -> None:
    older, newer = (sealed(PAIR, to=key, passphrase=PASSPHRASE)["sealed"] for key in (FIRST, SECOND))
    server = Server()
    server.apply({"sealed": newer | {"passphrase": older["passphrase"]}})
    operator = Operator(server)
    operator.sealing.halves[SECOND.kid] = SECOND.private
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status()["notes"] == ["ResealRecommended"]


async def test_the_note_stays_as_it_is_while_the_newest_key_is_not_known() -> None:
    server, operator = await made(sealed(PAIR))
    operator.sealing.halves[SECOND.kid] = SECOND.private
    await operator.settle()
    operator.sealing.known = False
    server.writes.clear()
    await operator.settle()

    assert server.status()["notes"] == ["NoPassphrase", "ResealRecommended"]
    assert server.writes == []
