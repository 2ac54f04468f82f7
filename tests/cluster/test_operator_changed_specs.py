"""A spec or a status that is changed under a living key: the key stays, it is told, and the way back works."""

from __future__ import annotations

from typing import Any, Final

import pytest

from cluster.desk import Desk
from cluster.keyfiles import KeyFiles
from cluster.shown import Object, condition_of, generated, imported, message_of, secret_of, states_of

STALLS: Final = {"Ready": "False", "Stalled": "True"}
ED25519: Final = "spec.generate asks for {wanted}, but the stored key is Ed25519. The stored key stays."
FORGED: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA eve@home"


@pytest.fixture
def ready(desk: Desk, name: str) -> Object:
    """A generated credential of the test's name."""
    desk.create(name, generated(comment="ada"))
    return desk.until(name, "Available")


def facts(found: Object) -> dict[str, Any]:
    return {name: value for name, value in found["status"].items() if name not in {"conditions", "observedGeneration"}}


def words(found: Object) -> list[Object]:
    """The conditions without their times: one that was taken away cannot know since when it held."""
    return [{**condition, "lastTransitionTime": ""} for condition in found["status"].get("conditions", [])]


# --- the spec


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"generate": {"algorithm": "RSA"}}, "AlgorithmChanged", ED25519.format(wanted="RSA 3072")),
        ({"generate": {"algorithm": "ECDSA", "bits": 521}}, "AlgorithmChanged", ED25519.format(wanted="ECDSA 521")),
        (
            {"generate": None, **imported("nothing")},
            "SourceChanged",
            "The spec names another source than the one that the stored key came from (generate). The stored key stays",
        ),
    ],
    ids=["another algorithm", "another algorithm and size", "another source"],
)
def test_another_key_in_the_spec_leaves_the_key_alone_until_it_is_taken_back(
    desk: Desk, name: str, ready: Object, change: Object, reason: str, words: str
) -> None:
    stored = desk.stored(name)
    desk.edit(name, change)

    stalled = desk.until(name, reason)
    assert states_of(stalled) == STALLS
    assert message_of(stalled).startswith(words)
    assert facts(stalled) == facts(ready)
    assert desk.until_event(name, "Stalled").note == f"{reason}: {message_of(stalled)}"

    desk.edit(name, {"importFrom": None, "generate": {"algorithm": "Ed25519", "bits": None}})
    back = desk.until(name, "Available")
    assert states_of(back) == {"Ready": "True"}
    assert facts(back) == facts(ready)
    assert desk.stored(name) == stored


def test_another_size_leaves_the_key_alone(desk: Desk, name: str) -> None:
    desk.create(name, generated(algorithm="ECDSA", bits=256))
    ready = desk.until(name, "Available")

    desk.edit(name, {"generate": {"bits": 384}})

    stalled = desk.until(name, "AlgorithmChanged")
    assert message_of(stalled).startswith("spec.generate asks for ECDSA 384, but the stored key is ECDSA 256.")
    assert facts(stalled) == facts(ready)


@pytest.mark.parametrize("kind", ["Secret", "key", "passphrase"])
def test_another_reference_leaves_an_imported_key_alone_until_it_is_taken_back(
    desk: Desk, name: str, key_files: KeyFiles, kind: str
) -> None:
    another = key_files.key(which="another").content
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content, "other": another})
    desk.make_secret(f"{name}-other", {"ssh-privatekey": another})
    spec = imported(name)["importFrom"]
    changes = {
        "Secret": {"privateKey": {"secretName": f"{name}-other"}},
        "key": {"privateKey": {"key": "other"}},
        "passphrase": {"passphrase": {"secretName": name}},
    }
    desk.create(name, {"importFrom": spec})
    ready = desk.until(name, "Available")

    desk.edit(name, {"importFrom": changes[kind]})
    stalled = desk.until(name, "SourceChanged")
    assert states_of(stalled) == STALLS
    assert f"(importFrom Secret {name}, key ssh-privatekey)" in message_of(stalled)
    assert stalled["status"]["fingerprint"] == ready["status"]["fingerprint"]

    back = {"privateKey": {"secretName": name, "key": "ssh-privatekey"}, "passphrase": None}
    desk.edit(name, {"importFrom": back})
    assert desk.until(name, "Available")["status"]["fingerprint"] == ready["status"]["fingerprint"]


def test_what_acts_at_the_next_key_changes_nothing_now(desk: Desk, name: str, ready: Object) -> None:
    stored = desk.stored(name)

    desk.edit(name, {"description": "Login node", "generate": {"comment": "bob", "passphrase": "Generate"}})

    after = desk.until(name, "Available")
    assert facts(after) == facts(ready)
    assert condition_of(after)["lastTransitionTime"] == condition_of(ready)["lastTransitionTime"]
    assert desk.stored(name) == stored
    assert desk.events(name) == []


# --- names


def test_a_name_that_is_taken_is_told_until_it_is_free(desk: Desk, name: str) -> None:
    taken = {"name": name.upper()}
    desk.create(name, generated() | taken)
    holder = desk.until(name, "Available")
    desk.create(f"{name}-late", generated() | taken)

    conflict = desk.until(f"{name}-late", "NameConflict")
    assert states_of(conflict) == STALLS
    assert f"The name {name.upper()} is already held by credential {name} " in message_of(conflict)
    assert desk.secret(secret_of(f"{name}-late")) is None

    desk.delete(name)
    freed = desk.until(f"{name}-late", "Available")
    assert freed["status"]["name"] == holder["status"]["name"] == name.upper()
    assert freed["status"]["fingerprint"] != holder["status"]["fingerprint"]


def test_who_has_the_key_keeps_the_name_against_an_objects_own_name(desk: Desk, name: str) -> None:
    desk.create(f"{name}-first", generated() | {"name": name})
    desk.until(f"{name}-first", "Available")

    desk.create(name, generated())

    assert f"held by credential {name}-first" in message_of(desk.until(name, "NameConflict"))
    assert states_of(desk.get(f"{name}-first")) == {"Ready": "True"}


# --- the status


@pytest.mark.parametrize(
    "forged",
    [
        {"publicKey": FORGED, "fingerprint": "SHA256:" + "A" * 43},
        {"notes": ["AllIsWell"], "exposure": "Exported", "secretName": "another"},
        {"observedGeneration": 0, "conditions": []},
        {"encryption": {"keyId": "none"}, "passphraseProtected": True, "algorithm": "RSA", "bits": 8192},
        {"algorithm": None, "createdAt": None},
    ],
    ids=["another public key", "remarks", "no conditions", "other facts", "facts are missing"],
)
def test_a_status_that_somebody_wrote_is_put_right(desk: Desk, name: str, ready: Object, forged: Object) -> None:
    desk.write_status(name, forged)

    desk.until_object(name, lambda found: (facts(found), words(found)) == (facts(ready), words(ready)), "as it was")


def test_a_status_that_is_gone_is_written_again_from_the_secret(desk: Desk, name: str, ready: Object) -> None:
    """As after a backup that holds no status."""
    desk.write_status(name, dict.fromkeys(ready["status"]))

    desk.until_object(name, lambda found: (facts(found), words(found)) == (facts(ready), words(ready)), "as it was")
    desk.until_event(name, "Adopted")


def test_a_ready_that_somebody_wrote_is_put_right(desk: Desk, name: str) -> None:
    desk.create(name, imported(f"{name}-input"))
    waiting = desk.until(name, "InputSecretMissing")

    forged = {**condition_of(waiting), "status": "True", "reason": "Available", "message": "Believe me."}
    desk.write_status(name, {"conditions": [forged], "publicKey": FORGED})

    right = desk.until(name, "InputSecretMissing")
    assert states_of(right) == {"Ready": "False", "Reconciling": "True"}
    assert "publicKey" not in right["status"]


def test_another_identity_than_the_status_tells_of_is_tampering(desk: Desk, name: str, ready: Object) -> None:
    desk.write_status(name, {"credentialId": "0" * 32})

    assert states_of(desk.until(name, "SecretTampered")) == STALLS

    desk.write_status(name, {"credentialId": ready["status"]["credentialId"]})
    assert facts(desk.until(name, "Available")) == facts(ready)
