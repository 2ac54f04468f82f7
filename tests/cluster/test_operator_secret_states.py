"""What becomes of a credential whose Secret is lost, changed, swapped or occupied: no new key, nothing overwritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest

from cluster.desk import Desk, Event
from cluster.keyfiles import KeyFiles
from cluster.shown import (
    OURS,
    Object,
    condition_of,
    data_of,
    generated,
    imported,
    message_of,
    secret_of,
    states_of,
)
from controlplane.waiting import wait_until

STALLS: Final = {"Ready": "False", "Stalled": "True"}
SAME: Final = ("credentialId", "keyNumber", "fingerprint", "publicKey", "createdAt")

Change = Callable[[dict[str, bytes], dict[str, bytes]], dict[str, bytes | None]]


def key_of(found: Object) -> dict[str, Any]:
    """What must stay the same of a key that was lost and is back."""
    return {name: found["status"].get(name) for name in SAME}


@pytest.fixture
def ready(desk: Desk, name: str) -> Object:
    """A generated credential of the test's name."""
    desk.create(name, generated())
    return desk.until(name, "Available")


@pytest.fixture
def other(desk: Desk, name: str) -> str:
    """Another one."""
    desk.create(f"{name}-other", generated())
    desk.until(f"{name}-other", "Available")
    return f"{name}-other"


# --- lost


def test_a_generated_key_that_is_lost_is_told_and_no_other_is_made(desk: Desk, name: str, ready: Object) -> None:
    copy = desk.stored(name)
    desk.delete_secret(secret_of(name))

    lost = desk.until(name, "SecretLost")

    assert states_of(lost) == STALLS
    assert message_of(lost).startswith(f"Secret {secret_of(name)}, which held the private key, is gone. No new key")
    assert key_of(lost) == key_of(ready)
    assert desk.until_event(name, "Stalled").note == f"SecretLost: {message_of(lost)}"
    desk.edit(name, {"description": "have another look"})
    assert key_of(desk.until(name, "SecretLost")) == key_of(ready)
    assert desk.secret(secret_of(name)) is None

    desk.put_back(copy)

    back = desk.until(name, "Available")
    assert key_of(back) == key_of(ready)
    assert states_of(back) == {"Ready": "True"}
    assert desk.until_event(name, "Recovered") == Event("Recovered", "The credential is usable again.", "Normal")


def test_an_imported_key_that_is_lost_is_taken_again_where_the_input_is_still_there(
    desk: Desk, name: str, key_files: KeyFiles
) -> None:
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name))
    ready = desk.until(name, "Available")
    first = desk.stored(name)["metadata"]["uid"]

    desk.delete_secret(secret_of(name))

    wait_until(lambda: desk.secret(secret_of(name)), "the Secret is there again")
    assert desk.stored(name)["metadata"]["uid"] != first
    assert key_of(desk.until(name, "Available")) == key_of(ready)


@pytest.mark.parametrize("comes", ["another", "the same"])
def test_an_imported_key_that_is_lost_comes_back_only_as_the_very_same(
    desk: Desk, name: str, key_files: KeyFiles, comes: str
) -> None:
    desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    desk.create(name, imported(name))
    ready = desk.until(name, "Available")
    desk.delete_secret(name)
    desk.until_object(name, lambda found: "InputSecretPresent" not in found["status"]["notes"], "alone")

    desk.delete_secret(secret_of(name))
    desk.until(name, "SecretLost")
    desk.make_secret(name, {"ssh-privatekey": key_files.key(which="" if comes == "the same" else comes).content})

    if comes == "another":
        desk.edit(name, {"description": "have another look"})
        assert key_of(desk.until(name, "SecretLost")) == key_of(ready)
        assert desk.secret(secret_of(name)) is None
    else:
        assert key_of(desk.until(name, "Available")) == key_of(ready)


def test_an_old_copy_that_is_put_back_is_told_and_left_as_it_is(desk: Desk, name: str, ready: Object) -> None:
    old = desk.stored(name)
    desk.edit(name, {"rotation": {"serial": 1}})
    desk.until_object(name, lambda found: found["status"].get("keyNumber") == 2, "rotated")
    rotated, latest = desk.until(name, "Available"), desk.stored(name)
    assert rotated["status"]["fingerprint"] != ready["status"]["fingerprint"]

    desk.delete_secret(secret_of(name))
    put_back = desk.put_back(old)
    stalled = desk.until(name, "RollbackDetected")
    assert states_of(stalled) == STALLS
    assert "holds key number 1, but number 2 was already in use" in message_of(stalled)
    assert key_of(stalled) == key_of(rotated)
    assert desk.stored(name) == put_back

    desk.delete_secret(secret_of(name))
    desk.put_back(latest)
    assert key_of(desk.until(name, "Available")) == key_of(rotated)


# --- tampered with


def one_bit(value: bytes) -> bytes:
    """Another letter in the middle of the ciphertext."""
    before, name, after = value.partition(b'"ciphertext":"')
    return before + name + (b"A" if after[:1] != b"A" else b"B") + after[1:]


CHANGES: Final[dict[str, Change]] = {
    "a letter of the private key's ciphertext": lambda mine, _: {"privateKey.1": one_bit(mine["privateKey.1"])},
    "a letter of the record's ciphertext": lambda mine, _: {"record": one_bit(mine["record"])},
    "an empty private key": lambda *_: {"privateKey.1": b""},
    "a private key in plain": lambda *_: {"privateKey.1": b"-----BEGIN OPENSSH PRIVATE KEY-----\n"},
    "another credential's private key": lambda _, other: {"privateKey.1": other["privateKey.1"]},
    "another credential's record": lambda _, other: {"record": other["record"]},
    "all of another credential": lambda _, other: dict(other),
    "the private key in the record's place": lambda mine, _: {"record": mine["privateKey.1"]},
    "no record": lambda *_: {"record": None},
    "no private key": lambda *_: {"privateKey.1": None},
    "one value more": lambda *_: {"note": b"to myself"},
    "the private key twice": lambda mine, _: {"privateKey.2": mine["privateKey.1"]},
}


class Tampered(NamedTuple):
    """A credential that was Ready, and its Secret before and after somebody changed it."""

    name: str
    ready: Object
    stored: Object
    changed: Object


@pytest.fixture(scope="module")
def tampered(desk: Desk) -> dict[str, Tampered]:
    """All changes at once, each to a credential of its own."""
    names = {change: f"tampered-{number}" for number, change in enumerate(CHANGES)}
    desk.apply({name: generated() for name in [*names.values(), "tampered-not"]})
    desk.wait_for_ready([*names.values(), "tampered-not"])
    donor = data_of(desk.stored("tampered-not"))
    found = {}
    for change, name in names.items():
        ready, stored = desk.get(name), desk.stored(name)
        changed = desk.change_secret(secret_of(name), data=CHANGES[change](data_of(stored), donor))
        found[change] = Tampered(name, ready, stored, changed)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_secret_is_told_and_left_as_it_is_until_the_right_one_is_back(
    desk: Desk, tampered: dict[str, Tampered], change: str
) -> None:
    name, ready, stored, changed = tampered[change]

    told = desk.until(name, "SecretTampered")
    assert states_of(told) == STALLS
    assert "was changed by somebody else" in message_of(told)
    assert key_of(told) == key_of(ready)
    assert desk.stored(name) == changed

    extra = dict.fromkeys(changed["data"].keys() - stored["data"].keys())
    desk.change_secret(secret_of(name), data=data_of(stored) | extra)
    mended = desk.until(name, "Available")
    assert key_of(mended) == key_of(ready)
    assert states_of(mended) == {"Ready": "True"}


def test_labels_and_annotations_are_no_tampering(desk: Desk, name: str, ready: Object, other: str) -> None:
    """That the operator looked at it: it took off the mark of an orphan, which has no place on a living credential."""
    mark = {"sshcredentials.dev/orphaned-since": "2020-01-01T00:00:00Z", "example.com/note": "mine"}
    labels = {"sshcredentials.dev/credential": other, "app.kubernetes.io/managed-by": "me"}
    changed = desk.change_secret(secret_of(name), annotations=mark, labels=labels)

    left = desk.until_marked(name, marked=False)

    assert left["data"] == changed["data"]
    assert left["metadata"]["labels"] == labels
    assert left["metadata"]["annotations"] == {"example.com/note": "mine"}
    assert condition_of(desk.until(name, "Available")) == condition_of(ready)
    assert desk.events(name) == []


# --- occupied

GARBAGE: Final[dict[str, Any]] = {
    "an empty one": ("Opaque", {}, "SecretConflict", {}),
    "a huge one": ("Opaque", {"data": b"x" * 1_000_000}, "SecretConflict", {}),
    "an immutable one": ("Opaque", {"password": b"hunter2"}, "SecretConflict", {"immutable": True}),
    "one of basic auth": ("kubernetes.io/basic-auth", {"username": b"ada"}, "SecretConflict", {}),
    "one of our type, empty": (OURS, {}, "SecretTampered", {}),
    "one of our type with garbage": (OURS, {"record": b"{}", "privateKey.1": b"\0\xff"}, "SecretTampered", {}),
    "one of our type, immutable": (OURS, {"record": b"garbage"}, "SecretTampered", {"immutable": True}),
}


@pytest.fixture(scope="module")
def occupied(desk: Desk) -> dict[str, tuple[str, Object]]:
    """Secrets that lay there before their credentials came."""
    names = {what: f"occupied-{number}" for number, what in enumerate(GARBAGE)}
    lying = {}
    for what, name in names.items():
        kind, data, _, options = GARBAGE[what]
        lying[what] = (name, desk.make_secret(secret_of(name), data, kind=kind, **options))
    desk.apply({name: generated() for name in names.values()})
    return lying


@pytest.mark.parametrize("what", GARBAGE)
def test_a_secret_that_was_there_before_is_told_and_not_touched_and_once_it_is_deleted_the_key_is_made(
    desk: Desk, occupied: dict[str, tuple[str, Object]], what: str
) -> None:
    name, lying = occupied[what]

    told = desk.until(name, GARBAGE[what][2])
    assert states_of(told) == STALLS
    assert "fingerprint" not in told["status"]
    assert "was not touched" in message_of(told) or "left as it is" in message_of(told)
    assert desk.secret(secret_of(name)) == lying

    desk.delete_secret(secret_of(name))
    freed = desk.until(name, "Available")
    assert states_of(freed) == {"Ready": "True"}
    assert freed["status"]["keyNumber"] == 1
