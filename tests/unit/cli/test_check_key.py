"""`sshcred check-key`: real files, real processes, and what a person or a program is told of them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from unit.cli.command import Said, sshcred
from unit.keys.key_files import ED25519, OPENSSH, PASSPHRASE, PKCS8, RSA2048, KeyFiles
from unit.keys.test_no_leak import body_text, require_nothing_of
from unit.keys.test_repairs import DAMAGES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def check_key(folder: Path, *arguments: str | Path, given: bytes = b"") -> Said:
    return sshcred(folder, "check-key", *arguments, given=given)


def write(folder: Path, **files: bytes) -> Sequence[str]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return list(files)


def test_a_key_that_is_accepted_is_one_line_with_its_fingerprint(folder: Path, key_files: KeyFiles) -> None:
    write(folder, mine=key_files.file(ED25519))
    said = check_key(folder, "mine")

    shown = subprocess.run(["ssh-keygen", "-l", "-f", key_files.original(ED25519)], capture_output=True, check=True)
    fingerprint = shown.stdout.split()[1].decode()
    assert (said.code, said.error) == (0, "")
    assert said.lines == [f"mine: accepted: Ed25519 256 {fingerprint} (NoPassphrase)"]


def test_every_file_is_told_of_in_its_turn_and_one_refusal_is_enough(folder: Path, key_files: KeyFiles) -> None:
    names = write(
        folder, good=key_files.file(ED25519), public=key_files.line(ED25519).encode(), better=key_files.file(RSA2048)
    )
    said = check_key(folder, *names)

    assert said.code == 1
    assert [line.split(": ")[:2] for line in said.lines] == [
        ["good", "accepted"],
        ["public", "refused"],
        ["better", "accepted"],
    ]
    assert "PublicKey: This is the public half" in said.lines[1]


def test_as_json_all_is_told_that_is_known(folder: Path, key_files: KeyFiles) -> None:
    names = write(
        folder,
        plain=key_files.file(ED25519),
        encrypted=key_files.file(RSA2048, OPENSSH, PASSPHRASE),
        silent=key_files.file(RSA2048, PKCS8, PASSPHRASE),
        prose=b"my key is under the doormat",
    )
    said = check_key(folder, "--output", "json", *names)

    plain, encrypted, silent, prose = said.objects
    members = ["file", "accepted", "reason", "message", "notes", "algorithm", "bits", "fingerprint", "publicKey"]
    assert all(list(found) == [*members, "passphraseProtected"] for found in said.objects)
    assert plain == {
        "file": "plain",
        "accepted": True,
        "reason": None,
        "message": None,
        "notes": ["NoPassphrase"],
        "algorithm": "Ed25519",
        "bits": 256,
        "fingerprint": plain["fingerprint"],
        "publicKey": key_files.line(ED25519),
        "passphraseProtected": False,
    }
    assert (encrypted["reason"], encrypted["algorithm"], encrypted["bits"]) == ("PassphraseRequired", "RSA", 2048)
    assert encrypted["publicKey"].split()[1] == key_files.line(RSA2048).split()[1]
    assert (silent["reason"], silent["fingerprint"], silent["passphraseProtected"]) == (
        "PassphraseRequired",
        None,
        True,
    )
    assert (prose["accepted"], prose["reason"], prose["passphraseProtected"]) == (False, "NotAKey", None)
    assert prose["message"]


def test_a_passphrase_is_tried_where_it_is_needed_and_noted_where_not(folder: Path, key_files: KeyFiles) -> None:
    write(folder, secret=PASSPHRASE + b"\n")
    names = write(folder, plain=key_files.file(ED25519), encrypted=key_files.file(ED25519, OPENSSH, PASSPHRASE))
    said = check_key(folder, "--output", "json", "--passphrase-file", "secret", *names)

    plain, encrypted = said.objects
    assert said.code == 0
    assert (plain["notes"], plain["passphraseProtected"]) == (["NoPassphrase", "PassphraseNotNeeded"], False)
    assert (encrypted["notes"], encrypted["passphraseProtected"]) == (["PassphraseNewlineRemoved"], True)
    assert PASSPHRASE.decode() not in "".join(said.lines)


def test_the_least_size_of_an_rsa_key_can_be_given(folder: Path, key_files: KeyFiles) -> None:
    write(folder, mine=key_files.file(RSA2048))

    assert check_key(folder, "mine").code == 0
    refused = check_key(folder, "--min-rsa-bits", "3072", "mine")
    assert refused.code == 1
    assert "RsaTooSmall" in refused.lines[0]
    assert "3072" in refused.lines[0]


def test_standard_input_is_a_file_too(folder: Path, key_files: KeyFiles) -> None:
    said = check_key(folder, "-o", "json", "-", given=key_files.file(ED25519))

    assert [(found["file"], found["accepted"]) for found in said.objects] == [("-", True)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "Missing argument", id="no file"),
        pytest.param(["absent"], "sshcred: absent: No such file or directory", id="a file that is not there"),
        pytest.param(["."], "sshcred: .: Is a directory", id="a folder"),
        pytest.param(["--passphrase-file", "absent", "good"], "'absent' does not exist", id="no passphrase file"),
        pytest.param(["--min-rsa-bits", "1024", "good"], "2048<=x<=8192", id="a size that is not safe"),
        pytest.param(["--output", "yaml", "good"], "'yaml' is not one of", id="an output that there is not"),
        pytest.param(["--passphrase", "secret", "good"], "No such option", id="a passphrase as an argument"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(folder: Path, key_files: KeyFiles, arguments: list[str], told: str) -> None:
    write(folder, good=key_files.file(ED25519))
    said = check_key(folder, *arguments)

    assert said.code == 2
    assert told in said.error


def test_a_file_that_cannot_be_read_does_not_hide_the_others(folder: Path, key_files: KeyFiles) -> None:
    names = write(folder, good=key_files.file(ED25519), bad=b"")
    said = check_key(folder, names[0], "absent", names[1])

    assert said.code == 2
    assert [line.split(":")[0] for line in said.lines] == ["good", "bad"]


def test_a_name_that_would_move_the_cursor_is_shown_as_what_it_is(folder: Path) -> None:
    name = "key\x1b[2K\nnext"
    (folder / name).write_bytes(b"")
    said = check_key(folder, name)

    assert len(said.lines) == 1
    assert said.lines[0].startswith(r"'key\x1b[2K\nnext': refused: Empty")


def test_an_endless_file_is_too_large(folder: Path) -> None:
    said = check_key(folder, "/dev/zero")

    assert said.code == 1
    assert "TooLarge" in said.lines[0]


def test_more_files_than_are_read_at_once_are_all_told_of_in_order(folder: Path, key_files: KeyFiles) -> None:
    names = write(folder, **{f"key{number}": key_files.file(ED25519) for number in range(150)})
    said = check_key(folder, "-o", "json", *names)

    assert [found["file"] for found in said.objects] == list(names)
    assert all(found["accepted"] for found in said.objects)


def test_nothing_of_a_damaged_file_or_its_passphrase_is_shown(folder: Path, key_files: KeyFiles) -> None:
    whole = key_files.file(RSA2048, OPENSSH, PASSPHRASE)
    harmed = whole[: len(whole) // 2] + b"\xc3\xa4" + whole[len(whole) // 2 :]
    names = write(folder, **{f"key{number}": damage(harmed) for number, (_, damage, _) in enumerate(DAMAGES)})
    write(folder, secret=PASSPHRASE)
    said = [check_key(folder, "--passphrase-file", "secret", "-o", output, *names) for output in ("text", "json")]

    assert {len(one.lines) for one in said} == {len(names)}
    for one in said:
        require_nothing_of([body_text(whole), PASSPHRASE.decode()], "\n".join([*one.lines, one.error]))
