"""Whole passes on a server in memory: what is written, how often, and what lies there in the end."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.names import SECRET_TYPE, CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.credential_secret import open_credential, open_key
from sshcredential_operator.encryption.envelope import parse
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.decision import Act
from sshcredential_operator.reconcile.one_pass import Outcome
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import KEY, NOW, OTHER_PAIR, PAIR
from unit.reconcile.server_memory import Server

GENERATED: dict[str, Any] = {"generate": {}}
IMPORTED: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "my-key"}}}
MY_KEY = {"ssh-privatekey": PAIR.private.reveal()}
CREATED = Outcome(Reason.AVAILABLE, Act.CREATE, reported=True)
TOLD = Outcome(Reason.AVAILABLE, reported=True)
NOTHING_TO_DO = Outcome(Reason.AVAILABLE)


def cluster(spec: dict[str, Any], **inputs: dict[str, bytes]) -> tuple[Server, Operator]:
    server = Server()
    for name, data in inputs.items():
        server.put_secret(name.replace("_", "-"), data)
    server.apply(spec)
    return server, Operator(server)


def fingerprint_of_what_is_stored(server: Server, operator: Operator) -> str:
    assert server.secret
    keks = operator.workspaces.keks
    opened = open_credential(server.secret.data, KEY.namespace, KEY.name, keks.get, stored_public_key)
    material = open_key(server.secret.data, opened.record, 1, KEY.namespace, KEY.name, keks.get)  # type: ignore[union-attr]  # it opens
    assert material
    public = stored_public_key(material.private)
    assert public
    return public.fingerprint


async def test_a_generated_key_costs_two_writes_and_no_event_and_its_second_pass_nothing() -> None:
    server, operator = cluster(GENERATED)

    assert await operator.settle() == [CREATED]
    assert server.writes == ["create secret", "patch status"]
    assert server.asked == ["get kek of genomics", "create secret", "patch status"]
    assert operator.announcer.announced == []

    asked = len(server.asked)
    assert await operator.settle() == [NOTHING_TO_DO]
    assert server.asked[asked:] == []


async def test_the_status_tells_of_the_key_that_is_stored() -> None:
    server, operator = cluster({"generate": {"comment": "genomics@hpc"}})
    await operator.settle()
    [pair] = operator.keys.made
    status = server.status()

    assert fingerprint_of_what_is_stored(server, operator) == status["fingerprint"] == pair.public.fingerprint
    assert status["publicKey"] == pair.public.line
    assert status["publicKey"].endswith(" genomics@hpc")
    assert status["keyNumber"] == 1
    assert status["observedGeneration"] == 1
    assert status["secretName"] == KEY.secret_name
    assert status["createdAt"] == "2026-01-31T12:00:00Z"
    assert [condition["type"] for condition in status["conditions"]] == ["Ready"]
    assert server.condition()
    assert server.condition() == server.condition() | {  # type: ignore[operator]  # it is there
        "status": "True",
        "reason": "Available",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }


async def test_no_write_holds_the_key_in_plain() -> None:
    server, operator = cluster({"generate": {"passphrase": "Generate"}})
    await operator.settle()
    assert server.secret
    body = operator.keys.made[0].private.reveal().split(b"\n")[2]

    assert server.status()["passphraseProtected"] is True
    for written in (*server.secret.data.values(), str(server.credentials).encode()):
        assert body not in written
        assert base64.b64encode(body)[4:-4] not in written
        assert b"OPENSSH" not in written


async def test_an_imported_key_is_taken_as_soon_as_it_is_there_and_its_secret_is_told_of() -> None:
    server, operator = cluster(IMPORTED)
    await operator.settle()
    assert server.reason() == "InputSecretMissing"
    assert operator.inputs.watched[KEY] == {"my-key"}

    server.put_secret("my-key", {"other": b""})
    await operator.settle()
    assert server.reason() == "InputKeyMissing"

    server.put_secret("my-key", MY_KEY)
    assert await operator.settle() == [CREATED]
    assert server.status()["fingerprint"] == PAIR.public.fingerprint
    assert server.status()["notes"] == ["NoPassphrase", "InputSecretPresent"]
    assert operator.announcer.events == ["Imported"]


async def test_an_import_lives_on_without_its_input() -> None:
    server, operator = cluster(IMPORTED, my_key=MY_KEY)
    await operator.settle()
    server.remove_secret("my-key")
    writes = len(server.writes)

    assert await operator.settle() == [TOLD]
    assert server.status()["notes"] == ["NoPassphrase"]
    assert server.writes[writes:] == ["patch status"]
    assert operator.inputs.watched[KEY] == frozenset()


async def test_another_key_in_the_input_changes_nothing_later() -> None:
    server, operator = cluster(IMPORTED, my_key=MY_KEY)
    await operator.settle()
    server.put_secret("my-key", {"ssh-privatekey": OTHER_PAIR.private.reveal()})

    assert await operator.settle() == [NOTHING_TO_DO]
    assert server.status()["fingerprint"] == PAIR.public.fingerprint


async def test_a_refused_key_stalls_the_credential_and_a_good_one_goes_on() -> None:
    server, operator = cluster(IMPORTED, my_key={"ssh-privatekey": PAIR.public.line.encode()})
    await operator.settle()
    assert server.reason() == "PublicKey"
    assert server.condition("Stalled")
    assert operator.inputs.watched[KEY] == {"my-key"}

    server.put_secret("my-key", MY_KEY)
    await operator.settle()
    assert server.reason() == "Available"
    assert server.condition("Stalled") is None
    assert operator.announcer.events == ["Stalled", "Imported", "Recovered"]


@pytest.mark.parametrize(
    ("spec", "events"),
    [pytest.param(GENERATED, [], id="generated"), pytest.param(IMPORTED, ["Imported"], id="imported")],
)
async def test_a_key_that_was_made_for_a_credential_is_not_adopted_because_it_was_edited_meanwhile(
    spec: dict[str, Any], events: list[str]
) -> None:
    server, operator = cluster(spec, my_key=MY_KEY)

    async def edit() -> None:
        server.apply({**spec, "description": "edited"})

    server.meanwhile[3 if spec is IMPORTED else 2] = edit
    await operator.settle()

    assert server.asked.count("patch status") == 2
    assert server.reason() == "Available"
    assert server.writes.count("create secret") == 1
    assert operator.announcer.events == events


async def test_a_key_is_adopted_when_the_status_that_told_of_it_is_gone() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    server.write_status({})
    await operator.settle()

    assert server.reason() == "Available"
    assert operator.announcer.events == ["Adopted"]


async def test_a_secret_that_holds_key_and_passphrase_is_read_once() -> None:
    passphrase = {"secretName": "my-key", "key": "passphrase"}
    spec = {"importFrom": {**IMPORTED["importFrom"], "passphrase": passphrase}}
    server, operator = cluster(spec, my_key={**MY_KEY, "passphrase": b"not needed"})
    await operator.settle()

    assert server.reason() == "Available"
    assert server.asked.count("get input") == 1


async def test_who_is_faster_decides_which_key_it_is() -> None:
    server, operator = cluster(GENERATED)
    replica = Operator(server)

    async def be_faster() -> None:
        await replica.one_pass()

    server.meanwhile[1] = be_faster
    await operator.settle()
    await replica.settle()

    assert server.writes.count("create secret") == 1
    assert server.status()["fingerprint"] == replica.keys.made[0].public.fingerprint
    assert fingerprint_of_what_is_stored(server, operator) == server.status()["fingerprint"]
    assert server.reason() == "Available"


async def test_a_secret_that_the_watch_has_not_shown_yet_is_found_by_the_post() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    late = Operator(server)
    late.store.remember_secret(KEY, None)
    server.write_status({})
    late.catch_up()

    await late.settle()

    assert server.writes.count("create secret") == 1
    assert server.status()["fingerprint"] == operator.keys.made[0].public.fingerprint


async def test_a_change_of_the_deletion_policy_costs_two_writes_and_no_new_key() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    before = server.status()
    server.apply(GENERATED | {"deletionPolicy": "Retain", "deletionGracePeriod": "1h"})
    writes = len(server.writes)

    assert await operator.settle() == [Outcome(Reason.AVAILABLE, Act.UPDATE_RECORD, reported=True)]
    assert server.writes[writes:] == ["patch secret", "patch status"]
    assert server.status()["fingerprint"] == before["fingerprint"]
    assert server.status()["observedGeneration"] == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"description": "Login node"}, id="description"),
        pytest.param({"generate": {"comment": "new"}}, id="comment"),
        pytest.param({"generate": {"passphrase": "Generate"}}, id="passphrase of a generated key"),
    ],
)
async def test_a_harmless_change_costs_one_write(change: dict[str, Any]) -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    server.apply(GENERATED | change)
    writes = len(server.writes)

    assert await operator.settle() == [TOLD]
    assert server.writes[writes:] == ["patch status"]


async def test_a_change_that_somebody_else_makes_meanwhile_is_not_overwritten() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    server.apply(GENERATED | {"deletionPolicy": "Retain"})

    async def label() -> None:
        server.change_secret(lambda secret: secret.annotations.update(mine="yes"))

    server.meanwhile[len(server.asked) + 1] = label
    await operator.settle()

    assert server.asked.count("patch secret") == 2
    assert server.secret
    assert server.secret.annotations == {"mine": "yes"}
    assert server.reason() == "Available"


async def test_a_change_that_the_server_refuses_for_good_is_told_and_tried_again_with_pauses() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    server.change_secret(lambda secret: setattr(secret, "immutable", True))
    await operator.settle()
    server.apply(GENERATED | {"deletionPolicy": "Retain"})
    operator.catch_up()

    outcome = await operator.one_pass()

    assert outcome == Outcome(Reason.REFUSED_BY_SERVER, Act.UPDATE_RECORD, retry=True, reported=True)
    assert server.reason() == "RefusedByServer"
    assert server.condition("Reconciling")


async def test_the_same_change_again_is_not_tried_without_a_pause() -> None:
    """A server that says "exists" to a POST and "not found" to a GET must not be asked in a loop."""
    server, operator = cluster(GENERATED)

    async def occupy() -> None:
        server.put_secret(KEY.secret_name, {})

    async def leave() -> None:
        server.remove_secret()

    server.meanwhile = {1: occupy, 2: leave}
    outcome = await operator.one_pass()

    assert outcome == Outcome(Reason.CREATING, Act.CREATE, retry=True, retry_after=None)
    await operator.settle()
    assert server.reason() == "Available"


async def test_a_lost_secret_is_told_and_no_key_made_in_its_place_until_it_is_restored() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    assert server.secret
    data = dict(server.secret.data)
    server.remove_secret()
    await operator.settle()
    assert server.reason() == "SecretLost"
    assert server.secret is None

    server.put_secret(KEY.secret_name, data, SECRET_TYPE)
    await operator.settle()
    assert server.reason() == "Available"
    assert operator.announcer.events == ["Stalled", "Recovered"]
    assert len(operator.keys.made) == 1


async def test_a_lost_import_is_taken_again_as_the_same_credential() -> None:
    server, operator = cluster(IMPORTED, my_key=MY_KEY)
    await operator.settle()
    before = dict(server.status())
    operator.now = NOW + timedelta(days=1)
    server.remove_secret()
    await operator.settle()

    assert server.reason() == "Available"
    assert server.status() == before


async def test_a_lost_import_whose_input_brings_another_key_stays_lost() -> None:
    server, operator = cluster(IMPORTED, my_key=MY_KEY)
    await operator.settle()
    server.put_secret("my-key", {"ssh-privatekey": OTHER_PAIR.private.reveal()})
    server.remove_secret()
    await operator.settle()
    assert server.reason() == "SecretLost"
    assert operator.inputs.watched[KEY] == {"my-key"}

    server.put_secret("my-key", MY_KEY)
    await operator.settle()
    assert server.reason() == "Available"


@pytest.mark.parametrize(
    "vandalism",
    [
        pytest.param({"credentialId": "mine"}, id="an identity that is none"),
        pytest.param({"keyNumber": 0}, id="key number 0"),
        pytest.param({"keyNumber": 2**40}, id="a key number that is too large"),
        pytest.param({"createdAt": "2026-01-01T00:00:00.5+01:00"}, id="a time of another form"),
    ],
)
async def test_what_somebody_wrote_into_the_status_gets_into_no_record(vandalism: dict[str, Any]) -> None:
    server, operator = cluster(IMPORTED, my_key=MY_KEY)
    await operator.settle()
    server.write_status(server.status() | vandalism)
    server.remove_secret()
    await operator.settle()

    assert server.reason() == "SecretLost"
    assert server.secret is None


async def test_a_status_that_somebody_emptied_is_filled_again() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    before = dict(server.status())
    server.write_status({})
    await operator.settle()

    assert server.status() == before


@pytest.mark.parametrize("type_", ["Opaque", "kubernetes.io/tls", "sshcredentials.dev/kek"])
async def test_a_foreign_secret_with_our_name_is_left_alone_until_it_is_gone(type_: str) -> None:
    server = Server()
    server.put_secret(KEY.secret_name, {"theirs": b"1"}, type_)
    server.apply(GENERATED)
    operator = Operator(server)
    await operator.settle()
    assert server.reason() == "SecretConflict"
    assert operator.inputs.watched[KEY] == {KEY.secret_name}
    assert server.secret
    assert server.secret.data == {"theirs": b"1"}

    server.remove_secret()
    await operator.settle()
    assert server.reason() == "Available"


async def test_a_workspace_key_that_comes_back_heals_the_credential() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    restarted = Operator(server)
    keks = dict(restarted.workspaces.keks)
    restarted.workspaces.keks.clear()
    outcomes = await restarted.settle()
    assert server.reason() == "KeyUnavailable"
    assert isinstance(outcomes[-1], Outcome)
    assert outcomes[-1].due_in

    restarted.workspaces.keks.update(keks)
    await restarted.settle()
    assert server.reason() == "Available"
    assert server.status()["fingerprint"] == operator.keys.made[0].public.fingerprint


async def test_a_secret_full_of_forged_values_costs_no_request_for_each() -> None:
    server, operator = cluster(GENERATED)
    await operator.settle()
    assert server.secret
    record = server.secret.data["record"]
    forged = {f"value.{n}": record.replace(b"00000000000000aa", f"{n:016}".encode()) for n in range(500)}
    assert parse(forged["value.7"])
    server.change_secret(lambda secret: secret.data.update(forged))
    asked = len(server.asked)
    await operator.settle()

    assert server.reason() == "SecretTampered"
    assert len(server.asked) - asked < 10


async def test_a_suspended_credential_gets_no_key_and_gets_it_when_it_goes_on() -> None:
    server, operator = cluster(GENERATED | {"suspend": True})
    await operator.settle()
    assert server.reason() == "Suspended"
    assert server.writes == ["patch status"]
    assert server.status()["observedGeneration"] == 0

    server.apply(GENERATED)
    await operator.settle()
    assert server.reason() == "Available"


async def test_two_credentials_want_one_name_and_the_second_gets_it_when_the_first_is_gone() -> None:
    server = Server()
    second = CredentialKey(KEY.namespace, "second")
    server.apply(GENERATED | {"name": "hpc"})
    server.apply(GENERATED | {"name": "hpc"}, second)
    operator = Operator(server)
    await operator.settle()
    await operator.settle(second)
    assert (server.reason(), server.reason(second)) == ("Available", "NameConflict")

    server.remove()
    assert second in operator.catch_up()
    await operator.settle(second)
    assert server.reason(second) == "Available"
