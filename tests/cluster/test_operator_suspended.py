"""spec.suspend: nothing is changed, the last word stays, and what is wrong with the key is told all the same."""

from __future__ import annotations

from cluster.desk import Desk
from cluster.keyfiles import KeyFiles
from cluster.shown import answered, condition_of, generated, imported, message_of, reason_of, secret_of, states_of
from controlplane.waiting import wait_until


def test_a_fresh_one_makes_no_key_until_it_is_resumed(desk: Desk, name: str) -> None:
    desk.create(name, generated() | {"suspend": True})

    held = desk.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    assert states_of(held) == {"Ready": "Unknown"}
    assert not answered(held)
    assert message_of(held).startswith("Nothing is changed while spec.suspend is true")
    assert desk.secret(secret_of(name)) is None

    desk.edit(name, {"suspend": False})
    assert states_of(desk.until(name, "Available")) == {"Ready": "True"}


def test_a_fresh_import_is_not_taken_until_it_is_resumed(desk: Desk, name: str, key_files: KeyFiles) -> None:
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name) | {"suspend": True})
    desk.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    assert desk.secret(secret_of(name)) is None

    desk.edit(name, {"suspend": False})
    assert desk.until(name, "Available")["status"]["fingerprint"] == key_files.key().fingerprint


def test_a_live_one_keeps_its_key_and_its_last_word(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    ready, stored = desk.until(name, "Available"), desk.stored(name)

    desk.edit(name, {"suspend": True, "description": "for later"})

    held = desk.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    assert states_of(held) == {"Ready": "True"}
    assert condition_of(held)["lastTransitionTime"] == condition_of(ready)["lastTransitionTime"]
    assert held["status"]["fingerprint"] == ready["status"]["fingerprint"]
    assert desk.stored(name) == stored

    # What decides after a deletion is followed all the same: it never touches the key, and may save it.
    desk.edit(name, {"deletionPolicy": "Retain"})
    before = stored["data"]
    wait_until(lambda: desk.stored(name)["data"]["record"] != before["record"], "the record follows the spec")
    assert desk.stored(name)["data"]["privateKey.1"] == before["privateKey.1"]

    desk.edit(name, {"suspend": False})
    resumed = desk.until(name, "Available")
    assert states_of(resumed) == {"Ready": "True"}
    assert resumed["status"]["fingerprint"] == ready["status"]["fingerprint"]


def test_a_generated_key_that_is_lost_meanwhile_is_told(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")
    copy = desk.stored(name)
    desk.edit(name, {"suspend": True})
    desk.until(name, "Suspended")

    desk.delete_secret(secret_of(name))
    assert states_of(desk.until(name, "SecretLost")) == {"Ready": "False", "Stalled": "True"}

    desk.put_back(copy)
    back = desk.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    assert back["status"]["keyNumber"] == 1


def test_an_imported_key_that_is_lost_meanwhile_is_told_and_comes_back_when_it_is_resumed(
    desk: Desk, name: str, key_files: KeyFiles
) -> None:
    """The input is still there, so that it could be taken again; but nothing is changed now."""
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name))
    desk.until(name, "Available")
    desk.edit(name, {"suspend": True})
    desk.until(name, "Suspended")

    desk.delete_secret(secret_of(name))

    lost = desk.until(name, "SecretLost")
    assert states_of(lost)["Ready"] == "False"
    assert desk.secret(secret_of(name)) is None
    desk.edit(name, {"suspend": False})
    assert desk.until(name, "Available")["status"]["fingerprint"] == key_files.key().fingerprint
