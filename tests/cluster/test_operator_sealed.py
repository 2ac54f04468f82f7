"""Sealed keys on the real API server: taken, replaced, refused, and brought back from the manifest alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.keyfiles import KeyFiles, public_line_of
from cluster.opened import open_stored
from cluster.sealing import PASSPHRASE, SealingDesk, published
from cluster.shown import message_of, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.sealing import Scope
from sshcredential_operator.encryption.sealing_keys import sealing_kid


@pytest.fixture(scope="module")
def key_ring(cluster: Cluster, workspace: Workspace) -> Iterator[Desk]:
    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        yield key_ring


@pytest.fixture(scope="module")
def sealing(cluster: Cluster, workspace: Workspace, desk: Desk) -> SealingDesk:
    newest = published(cluster, workspace.operator.operator_namespace).newest
    assert newest
    return SealingDesk(newest, desk)


@pytest.fixture(scope="module")
def one(key_files: KeyFiles) -> bytes:
    return key_files.key("OpenSSH").content


@pytest.fixture(scope="module")
def another(key_files: KeyFiles) -> bytes:
    return key_files.key("SEC1").content


def test_a_sealed_key_is_stored_and_is_that_key(
    desk: Desk, key_ring: Desk, sealing: SealingDesk, key_files: KeyFiles, tmp_path: Path, name: str
) -> None:
    file = key_files.key("OpenSSH", PASSPHRASE.reveal().decode())
    desk.create(name, sealing.sealed(name, file.content, PASSPHRASE))
    ready = desk.until(name, "Available")
    opened = open_stored(desk, name, key_ring)

    assert states_of(ready) == {"Ready": "True"}
    assert ready["status"]["passphraseProtected"] is True
    assert opened.passphrase == PASSPHRASE.reveal()
    assert public_line_of(opened.private, tmp_path).split()[:2] == ready["status"]["publicKey"].split()[:2]
    assert [event.reason for event in desk.events(name)] == []


def test_another_sealed_key_replaces_it_and_the_same_one_sealed_again_does_not(
    desk: Desk, sealing: SealingDesk, one: bytes, another: bytes, name: str
) -> None:
    desk.create(name, sealing.sealed(name, one))
    first = desk.until(name, "Available")["status"]
    desk.edit(name, sealing.sealed(name, one))
    again = desk.until(name, "Available")["status"]
    assert (again["keyNumber"], again["createdAt"]) == (1, first["createdAt"])

    desk.edit(name, sealing.sealed(name, another))
    replaced = desk.until_object(name, lambda found: found["status"]["keyNumber"] == 2, "rotated")["status"]
    assert replaced["previous"]["fingerprint"] == first["fingerprint"]
    assert desk.until_event(name, "Promoted").type == "Normal"

    desk.edit(name, sealing.sealed(name, one))
    back = desk.until_object(name, lambda found: found["status"]["keyNumber"] == 3, "back in Git")["status"]
    assert back["fingerprint"] == first["fingerprint"]


def swapped(spec: dict[str, Any]) -> dict[str, Any]:
    values = spec["sealed"]
    return {"sealed": {"privateKey": values["passphrase"], "passphrase": values["privateKey"]}}


def changed(spec: dict[str, Any]) -> dict[str, Any]:
    *parts, tag = spec["sealed"]["privateKey"].split(".")
    return {"sealed": {"privateKey": ".".join([*parts, ("B" if tag[0] == "A" else "A") + tag[1:]])}}


@pytest.mark.parametrize(
    "reason",
    [
        "SealedValueInvalid",
        "SealedElsewhere",
        "SealedFieldMismatch",
        "SealedValuesDiffer",
        "SealingKeyUnknown",
        "SealedValueDamaged",
        "SealedKeyMismatch",
        "WrongPassphrase",
    ],
)
def test_a_value_that_gives_no_key_is_refused_with_its_own_reason(
    desk: Desk, sealing: SealingDesk, key_files: KeyFiles, name: str, reason: str
) -> None:
    protected = key_files.key("OpenSSH", PASSPHRASE.reveal().decode()).content
    one, another = (key_files.key(form).content for form in ("OpenSSH", "SEC1"))
    good = sealing.sealed(name, protected, PASSPHRASE)
    specs: dict[str, dict[str, Any]] = {
        "SealedValueInvalid": {"sealed": {"privateKey": "a.b.c.d.e"}},
        "SealedElsewhere": sealing.sealed("somebody-else", one),
        "SealedFieldMismatch": swapped(good),
        "SealedValuesDiffer": {
            "sealed": good["sealed"] | {"privateKey": sealing.sealed(name, another)["sealed"]["privateKey"]}
        },
        "SealingKeyUnknown": sealing.sealed(name, one, kid=sealing_kid(999, sealing.key.x)),
        "SealedValueDamaged": changed(sealing.sealed(name, one)),
        "SealedKeyMismatch": sealing.sealed(name, one, fingerprint="SHA256:" + "A" * 43),
        "WrongPassphrase": sealing.sealed(name, protected, PASSPHRASE, given=Sensitive(b"another")),
    }
    desk.create(name, specs[reason])
    refused = desk.until(name, reason)

    assert states_of(refused) == {"Ready": "False", "Stalled": "True"}
    assert "spec.sealed" in message_of(refused)
    assert desk.secret(secret_of(name)) is None
    desk.edit(name, {"sealed": {"passphrase": None, **sealing.sealed(name, one)["sealed"]}})
    assert desk.until(name, "Available")["status"]["keyNumber"] == 1


def test_any_credential_of_the_namespace_takes_a_value_for_the_namespace(
    desk: Desk, sealing: SealingDesk, one: bytes, name: str
) -> None:
    spec = sealing.sealed(None, one, scope=Scope.NAMESPACE)
    for each in (name, f"{name}-2"):
        desk.create(each, spec)
    assert {desk.until(each, "Available")["status"]["fingerprint"] for each in (name, f"{name}-2")} == {
        desk.get(name)["status"]["fingerprint"]
    }


def test_a_lost_secret_comes_back_from_the_manifest(desk: Desk, sealing: SealingDesk, one: bytes, name: str) -> None:
    desk.create(name, sealing.sealed(name, one))
    before = desk.until(name, "Available")["status"]
    uid = desk.stored(name)["metadata"]["uid"]
    desk.delete_secret(secret_of(name))
    wait_until(
        lambda: (desk.secret(secret_of(name)) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid, "it is back"
    )

    after = desk.until(name, "Available")["status"]
    assert {member: after[member] for member in ("credentialId", "fingerprint", "keyNumber", "createdAt")} == {
        member: before[member] for member in ("credentialId", "fingerprint", "keyNumber", "createdAt")
    }


def test_a_credential_that_comes_back_with_another_key_keeps_the_one_before(
    desk: Desk, sealing: SealingDesk, one: bytes, another: bytes, name: str
) -> None:
    desk.create(name, sealing.sealed(name, one))
    before = desk.until(name, "Available")["status"]
    desk.delete(name)
    desk.create(name, sealing.sealed(name, another))
    after = desk.until(name, "Available")["status"]

    assert after["previous"]["fingerprint"] == before["fingerprint"]
    assert after["credentialId"] == before["credentialId"]
    assert desk.until_event(name, "Adopted")
