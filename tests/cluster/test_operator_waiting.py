"""What an import needs may come later: it is waited for, said plainly, and taken as soon as it is there."""

from __future__ import annotations

from typing import Any, Final

import pytest

from cluster.desk import Desk
from cluster.keyfiles import PASSPHRASE, KeyFiles, damaged
from cluster.shown import Object, imported, message_of, states_of

WAITS: Final = {"Ready": "False", "Reconciling": "True"}
STALLS: Final = {"Ready": "False", "Stalled": "True"}


@pytest.fixture
def taken(desk: Desk, name: str, key_files: KeyFiles) -> Any:
    """Tells that the key is in use, with or without the passphrase that it has in `key_files`."""

    def check(passphrase: str = "") -> Object:
        found = desk.until(name, "Available")
        assert found["status"]["fingerprint"] == key_files.key("OpenSSH", passphrase).fingerprint
        assert states_of(found) == {"Ready": "True"}
        return found

    return check


def test_a_secret_that_does_not_exist_yet(desk: Desk, name: str, key_files: KeyFiles, taken: Any) -> None:
    desk.create(name, imported(f"{name}-input"))
    waiting = desk.until(name, "InputSecretMissing")
    assert states_of(waiting) == WAITS
    assert message_of(waiting) == (
        f"Waiting for Secret {name}-input, which spec.importFrom names: it does not exist in this namespace. "
        "Create it; the key is taken as soon as it is there."
    )

    desk.make_secret(f"{name}-input", {"ssh-privatekey": key_files.key().content})

    taken()


def test_a_secret_without_the_key(desk: Desk, name: str, key_files: KeyFiles, taken: Any) -> None:
    desk.make_secret(name, {"id_ed25519": key_files.key().content})
    desk.create(name, imported(name))
    waiting = desk.until(name, "InputKeyMissing")
    assert states_of(waiting) == WAITS
    assert message_of(waiting).startswith(f"Waiting for key ssh-privatekey of Secret {name}, ")

    desk.change_secret(name, data={"ssh-privatekey": key_files.key().content})

    taken()


def test_a_secret_without_the_key_until_the_spec_is_corrected(
    desk: Desk, name: str, key_files: KeyFiles, taken: Any
) -> None:
    desk.make_secret(name, {"id_ed25519": key_files.key().content})
    desk.create(name, imported(name))
    desk.until(name, "InputKeyMissing")

    desk.edit(name, {"importFrom": {"privateKey": {"key": "id_ed25519"}}})

    taken()


def test_a_secret_of_the_passphrase_that_does_not_exist_yet(
    desk: Desk, name: str, key_files: KeyFiles, taken: Any
) -> None:
    desk.make_secret(name, {"ssh-privatekey": key_files.key("OpenSSH", PASSPHRASE).content})
    desk.create(name, imported(name, f"{name}-words"))
    assert message_of(desk.until(name, "InputSecretMissing")).startswith(f"Waiting for Secret {name}-words, ")

    desk.make_secret(f"{name}-words", {"other": b"x"})
    assert message_of(desk.until(name, "InputKeyMissing")).startswith(
        f"Waiting for key passphrase of Secret {name}-words, "
    )

    desk.change_secret(f"{name}-words", data={"passphrase": PASSPHRASE.encode()})
    taken(PASSPHRASE)


def test_a_wrong_passphrase_until_it_is_corrected(desk: Desk, name: str, key_files: KeyFiles, taken: Any) -> None:
    desk.make_secret(
        name, {"ssh-privatekey": key_files.key("OpenSSH", PASSPHRASE).content, "passphrase": b"not-the-one"}
    )
    desk.create(name, imported(name, name))
    stalled = desk.until(name, "WrongPassphrase")
    assert states_of(stalled) == STALLS
    assert "not-the-one" not in str(stalled["status"])

    desk.change_secret(name, data={"passphrase": PASSPHRASE.encode()})

    taken(PASSPHRASE)
    desk.until_event(name, "Recovered")
    assert sorted(event.reason for event in desk.events(name)) == ["Imported", "Recovered", "Stalled"]


def test_a_passphrase_that_is_not_named_until_it_is(desk: Desk, name: str, key_files: KeyFiles, taken: Any) -> None:
    desk.make_secret(
        name,
        {"ssh-privatekey": key_files.key("OpenSSH", PASSPHRASE).content, "passphrase": PASSPHRASE.encode()},
    )
    desk.create(name, imported(name))
    assert states_of(desk.until(name, "PassphraseRequired")) == STALLS

    desk.edit(name, imported(name, name))

    taken(PASSPHRASE)


def test_a_damaged_file_until_it_is_replaced(desk: Desk, name: str, key_files: KeyFiles, taken: Any) -> None:
    desk.make_secret(name, {"ssh-privatekey": damaged(key_files.key().content)})
    desk.create(name, imported(name))
    desk.until(name, "Corrupt")

    desk.change_secret(name, data={"ssh-privatekey": key_files.key().content})

    taken()


def test_a_secret_that_goes_again_before_the_passphrase_comes(
    desk: Desk, name: str, key_files: KeyFiles, taken: Any
) -> None:
    content = key_files.key("OpenSSH", PASSPHRASE).content
    desk.make_secret(name, {"ssh-privatekey": content})
    desk.create(name, imported(name, name))
    desk.until(name, "InputKeyMissing")

    desk.delete_secret(name)
    desk.until(name, "InputSecretMissing")

    desk.make_secret(name, {"ssh-privatekey": content, "passphrase": PASSPHRASE.encode()})
    taken(PASSPHRASE)
