"""A key that a user brings is taken over in every usual form, and lives on when its input Secret is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.keyfiles import PASSPHRASE, PLAIN_FORMS, KeyFile, KeyFiles, public_line_of
from cluster.opened import open_stored
from cluster.shown import Object, imported, reason_of, states_of
from controlplane.clusters import Cluster

PRESENT: Final = "InputSecretPresent"
NOTES: Final = {
    "OpenSSH": ["NoPassphrase"],
    "OpenSSH with a passphrase": [],
    "PKCS#1": ["NoPassphrase", "RsaBelow3072"],
    "PKCS#1 with a passphrase": ["LegacyKdf", "RsaBelow3072"],
    "SEC1": ["NoPassphrase"],
    "SEC1 with a passphrase": ["LegacyKdf"],
    "PKCS#8": ["NoPassphrase"],
    "PKCS#8 with a passphrase": [],
    "openssl's Ed25519": ["NoPassphrase"],
}


class Life(NamedTuple):
    """One imported credential: when it was Ready, and after its input Secret was deleted."""

    form: str
    name: str
    key: KeyFile
    passphrase: str
    ready: Object
    alone: Object


@pytest.fixture(scope="module")
def given(key_files: KeyFiles) -> dict[str, tuple[KeyFile, str]]:
    files = {form: (key_files.key(form), "") for form in PLAIN_FORMS}
    files |= {f"{form} with a passphrase": (key_files.key(form, PASSPHRASE), PASSPHRASE) for form in PLAIN_FORMS}
    return files | {"openssl's Ed25519": (key_files.ed25519_of_openssl(), "")}


@pytest.fixture(scope="module")
def names(desk: Desk, given: dict[str, tuple[KeyFile, str]]) -> dict[str, str]:
    """Names of the credentials and of their input Secrets. All are applied at once."""
    names = {form: f"imported-{number}" for number, form in enumerate(given)}
    for form, (key, passphrase) in given.items():
        words = {"passphrase": passphrase.encode()} if passphrase else {}
        desk.make_secret(names[form], {"ssh-privatekey": key.content} | words)
    desk.apply({name: imported(name, name if given[form][1] else None) for form, name in names.items()})
    return names


@pytest.fixture(scope="module", params=NOTES)
def life(
    request: pytest.FixtureRequest, desk: Desk, names: dict[str, str], given: dict[str, tuple[KeyFile, str]]
) -> Life:
    form = str(request.param)
    ready = desk.until_object(names[form], has_note, f"noted {PRESENT}")
    desk.delete_secret(names[form])
    alone = desk.until_object(names[form], lambda found: not has_note(found), "without the note")
    return Life(form, names[form], *given[form], ready, alone)


@pytest.fixture(scope="module")
def key_ring(cluster: Cluster, workspace: Workspace) -> Iterator[Desk]:
    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        yield key_ring


def has_note(found: Object) -> bool:
    return PRESENT in found["status"].get("notes", [])


def facts(found: Object) -> dict[str, Any]:
    return {name: value for name, value in found["status"].items() if name not in {"conditions", "notes"}}


def test_kubectl_waits_until_every_form_is_taken(desk: Desk, names: dict[str, str]) -> None:
    desk.wait_for_ready(list(names.values()))


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(life: Life) -> None:
    assert life.ready["status"]["fingerprint"] == life.key.fingerprint
    assert life.ready["status"]["publicKey"].split()[:2] == life.key.public.split()[:2]
    assert states_of(life.ready) == {"Ready": "True"}


def test_what_is_remarkable_is_noted(life: Life) -> None:
    assert sorted(life.ready["status"]["notes"]) == sorted([*NOTES[life.form], PRESENT])


def test_the_event_says_what_to_do_with_the_input(desk: Desk, life: Life) -> None:
    event = desk.until_event(life.name, "Imported")
    assert event.type == "Normal"
    assert f"delete it with `kubectl delete secret {life.name}`" in event.note
    assert [event.reason for event in desk.events(life.name)] == ["Imported"]


def test_the_credential_lives_on_without_its_input(life: Life) -> None:
    assert states_of(life.alone) == {"Ready": "True"}
    assert life.alone["status"].get("notes", []) == life.ready["status"]["notes"][:-1]
    assert facts(life.alone) == facts(life.ready)


def test_key_and_passphrase_are_stored(desk: Desk, key_ring: Desk, life: Life, tmp_path: Path) -> None:
    opened = open_stored(desk, life.name, key_ring)
    assert public_line_of(opened.private, tmp_path) == life.ready["status"]["publicKey"]
    assert (opened.passphrase or b"").decode() == life.passphrase
    assert life.ready["status"]["passphraseProtected"] is bool(life.passphrase)


def test_another_key_in_the_input_does_not_replace_the_one_that_was_taken(
    desk: Desk, name: str, key_files: KeyFiles
) -> None:
    first, second = key_files.key(), key_files.key(which="another")
    desk.make_secret(name, {"ssh-privatekey": first.content})
    desk.create(name, imported(name))
    ready = desk.until_object(name, has_note, f"noted {PRESENT}")

    desk.change_secret(name, data={"ssh-privatekey": second.content})
    desk.delete_secret(name)

    alone = desk.until_object(name, lambda found: not has_note(found), "without the note")
    assert (reason_of(alone), facts(alone)) == ("Available", facts(ready))


def test_a_newline_after_the_passphrase_is_no_mistake(desk: Desk, name: str, key_files: KeyFiles) -> None:
    key = key_files.key("OpenSSH", PASSPHRASE)
    desk.make_secret(name, {"ssh-privatekey": key.content, "passphrase": f"{PASSPHRASE}\n".encode()})
    desk.create(name, imported(name, name))

    notes = desk.until(name, "Available")["status"]["notes"]

    assert "PassphraseNewlineRemoved" in notes


def test_the_recipe_of_the_readme_works(cluster: Cluster, desk: Desk, key_files: KeyFiles, tmp_path: Path) -> None:
    """The example as it is, with the commands that stand above it."""
    key, examples = key_files.key("OpenSSH", PASSPHRASE), Path(__file__).parents[2] / "examples"
    (tmp_path / "id_ed25519").write_bytes(key.content)
    (tmp_path / "passphrase.txt").write_text(PASSPHRASE)
    files = (f"--from-file=ssh-privatekey={tmp_path}/id_ed25519", f"--from-file=passphrase={tmp_path}/passphrase.txt")
    here = ("-n", desk.namespace)

    cluster.kubectl("create", "secret", "generic", "my-key", *files, *here)
    cluster.kubectl("apply", *here, "-f", str(examples / "imported.yaml"))
    cluster.kubectl("wait", *here, "--for=condition=Ready", "--timeout=60s", "sshcredential/my-login")
    cluster.kubectl("delete", "secret", "my-key", *here)

    alone = desk.until_object("my-login", lambda found: not has_note(found), "without the note")
    assert alone["status"]["fingerprint"] == key.fingerprint
