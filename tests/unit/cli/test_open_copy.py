"""`sshcred open`: a recipient's copy becomes files that ssh takes; anything else leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import Delivery, seal_for
from unit.cli.command import Said, sshcred
from unit.encryption.test_recipient import PRIVATE, RECIPIENT, private_key
from unit.keys.key_files import ED25519, OPENSSH, PASSPHRASE, KeyFiles, public_line

KEY = Delivery("genomics", "hpc-login", 3, Field.PRIVATE_KEY)
WORDS = KEY._replace(field=Field.PASSPHRASE)


@pytest.fixture
def folder(tmp_path: Path, key_files: KeyFiles) -> Path:
    """A mounted copy, and the recipient's key."""
    copy = tmp_path / "copy"
    copy.mkdir()
    file = key_files.file(ED25519, OPENSSH, PASSPHRASE)
    (copy / "privateKey.jwe").write_bytes(seal_for(RECIPIENT, Sensitive(file), KEY))
    (copy / "passphrase.jwe").write_bytes(seal_for(RECIPIENT, Sensitive(PASSPHRASE), WORDS))
    (tmp_path / "key.json").write_text(json.dumps(PRIVATE))
    return tmp_path


def open_copy(folder: Path, *arguments: str | Path) -> Said:
    return sshcred(folder, "open", "--key", "key.json", "--to", "out", *arguments)


def test_the_files_are_what_ssh_takes_and_nobody_elses(folder: Path, key_files: KeyFiles) -> None:
    said = open_copy(folder, "copy")

    assert (said.code, said.lines, said.error) == (0, [], "opened key 3 of genomics/hpc-login\n")
    assert public_line(folder / "out" / "id", PASSPHRASE).split()[:2] == key_files.line(ED25519).split()[:2]
    assert (folder / "out" / "passphrase").read_bytes() == PASSPHRASE
    assert {path.name: path.stat().st_mode & 0o777 for path in (folder / "out").iterdir()} == {
        "id": 0o600,
        "passphrase": 0o600,
    }


def test_a_newer_copy_takes_the_place_of_the_older(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "id").write_text("old")
    (folder / "out" / "id").chmod(0o444)

    assert open_copy(folder, "copy/privateKey.jwe").code == 0
    assert b"OPENSSH PRIVATE KEY" in (folder / "out" / "id").read_bytes()
    assert (folder / "out" / "id").stat().st_mode & 0o777 == 0o600


def test_another_key_opens_nothing_and_nothing_is_written(folder: Path) -> None:
    (folder / "key.json").write_text(json.dumps(private_key()))
    said = open_copy(folder, "copy")

    assert said.code == 1
    assert "copy/passphrase.jwe does not open: it is for another key, or was changed" in said.error
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        pytest.param(KEY._replace(name="another"), "belong to different keys", id="another credential's"),
        pytest.param(WORDS._replace(key_number=4), "belong to different keys", id="another key's passphrase"),
        pytest.param(KEY, "the same value is given twice", id="the same once more"),
    ],
)
def test_values_that_do_not_belong_together_are_refused(folder: Path, other: Delivery, told: str) -> None:
    (folder / "copy" / "more.jwe").write_bytes(seal_for(RECIPIENT, Sensitive(b"other"), other))
    said = open_copy(folder, "copy")

    assert said.code == 1
    assert told in said.error
    assert not (folder / "out").exists()


def test_only_the_credential_that_was_asked_for_is_opened(folder: Path) -> None:
    assert open_copy(folder, "--credential", "genomics/hpc-login", "copy").code == 0
    refused = open_copy(folder, "--credential", "genomics/laptop", "copy")

    assert refused.code == 1
    assert "this is a copy of genomics/hpc-login, not of genomics/laptop" in refused.error


@pytest.mark.parametrize(
    ("key", "paths", "told"),
    [
        pytest.param("{}", ["copy"], "is no private key: a JWK", id="an empty key"),
        pytest.param("no JSON", ["copy"], "is no private key: a JWK", id="a key that is none"),
        pytest.param(
            json.dumps({name: PRIVATE[name] for name in ("kty", "crv", "x")}),
            ["copy"],
            "is no private key: a JWK",
            id="the public half",
        ),
        pytest.param(json.dumps(PRIVATE), ["."], "holds no file that ends in .jwe", id="a folder without a copy"),
        pytest.param(json.dumps(PRIVATE), ["absent"], "absent: No such file or directory", id="no such file"),
        pytest.param(json.dumps(PRIVATE), [], "Missing argument", id="nothing to open"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(folder: Path, key: str, paths: list[str], told: str) -> None:
    (folder / "key.json").write_text(key)
    said = open_copy(folder, *paths)

    assert said.code == 2
    assert told in said.error
    assert not (folder / "out").exists()


def test_a_key_whose_halves_do_not_belong_together_opens_nothing(folder: Path) -> None:
    (folder / "key.json").write_text(json.dumps({**PRIVATE, "x": private_key()["x"]}))

    assert open_copy(folder, "copy").code == 1
    assert not (folder / "out").exists()
