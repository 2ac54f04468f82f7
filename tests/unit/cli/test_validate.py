"""`sshcred validate`: real processes, and what a person, a program and GitHub are told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from unit.cli.command import sshcred
from unit.cli.sealed import MadeKey
from unit.keys.key_files import ED25519, KeyFiles

GOOD = """\
apiVersion: sshcredentials.dev/v1alpha1
kind: SSHCredential
metadata:
  name: hpc-login
spec:
  generate: {}
"""
BAD = GOOD.replace("generate: {}", "generate: {bits: 7}")
WARNED = GOOD.replace("name: hpc-login", "generateName: hpc-")


def test_a_right_file_ends_well(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    said = sshcred(tmp_path, "validate", "a.yaml")

    assert (said.code, said.lines) == (0, [])
    assert said.error == "1 file, 1 object of sshcredentials.dev: 0 errors, 0 warnings\n"


def test_a_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    said = sshcred(tmp_path, "validate", ".")

    assert said.code == 1
    assert said.lines[0].startswith("a.yaml:6: error: SSHCredential hpc-login spec.generate.bits: an Ed25519 key has")


def test_standard_input_is_manifests(tmp_path: Path) -> None:
    said = sshcred(tmp_path, "validate", "-", given=f"{GOOD}---\n{BAD.replace('hpc-login', 'other')}".encode())

    assert said.code == 1
    assert said.lines[0].startswith("standard input:13: error: SSHCredential other")


def test_a_pipe_is_manifests_whatever_its_name(tmp_path: Path) -> None:
    said = sshcred(tmp_path, "validate", "/dev/stdin", given=BAD.encode())

    assert said.code == 1
    assert said.lines[0].startswith("/dev/stdin:6: error: SSHCredential hpc-login")


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)], ids=["as they are", "strict"])
def test_warnings_end_well_unless_they_are_taken_for_errors(tmp_path: Path, options: list[str], code: int) -> None:
    assert sshcred(tmp_path, "validate", *options, "-", given=WARNED.encode()).code == code


def test_programs_get_every_fact(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    said = sshcred(tmp_path, "validate", "a.yaml", "--output", "json")
    found = json.loads("\n".join(said.lines))

    assert (said.code, found["files"], found["objects"]) == (1, 1, 1)
    [finding] = found["findings"]
    assert finding.pop("says")
    assert finding == {
        "file": "a.yaml",
        "line": 6,
        "rule": "Rule",
        "level": "error",
        "document": 1,
        "object": "SSHCredential hpc-login",
        "field": "spec.generate.bits",
    }


def test_github_gets_commands_that_a_name_cannot_end(tmp_path: Path) -> None:
    (tmp_path / "a,b\n::error::x%.yaml").write_text(BAD)
    said = sshcred(tmp_path, "validate", ".", "--output", "github")

    assert len(said.lines) == 1
    title = "title=Rule SSHCredential hpc-login spec.generate.bits"
    assert said.lines[0].startswith(f"::error file=a%2Cb%0A%3A%3Aerror%3A%3Ax%25.yaml,line=6,{title}::an Ed25519 key")


def test_a_name_for_a_terminal_to_obey_is_shown_harmless(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.yaml").write_text(BAD.replace("bits", '"\\e[31m"'))
    said = sshcred(tmp_path, "validate", ".")

    assert said.code == 1
    assert "\x1b" not in "".join(said.lines)


def test_a_private_key_is_found_in_any_file_and_not_shown(tmp_path: Path, key_files: KeyFiles) -> None:
    key = key_files.file(ED25519)
    (tmp_path / "notes.txt").write_bytes(b"my key:\n" + key)
    said = sshcred(tmp_path, "validate", ".")

    assert said.code == 1
    assert said.lines[0].startswith("notes.txt:2: error: This is a private key in the clear.")
    assert not any(line in said.lines[0] for line in key.decode().splitlines())


def test_sealing_keys_may_be_given(tmp_path: Path) -> None:
    file = MadeKey.make().publish(tmp_path / "key.json")

    assert sshcred(tmp_path, "validate", "--sealing-key", file, "-", given=GOOD.encode()).code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no path"),
        pytest.param(["nothing"], id="a path that leads nowhere"),
        pytest.param(["-", "--output", "xml"], id="an unknown form"),
        pytest.param(["-", "--namespace", "A b"], id="no namespace"),
        pytest.param(["-", "--sealing-key", "empty"], id="no sealing keys"),
    ],
)
def test_wrong_use_is_told_apart(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").touch()

    assert sshcred(tmp_path, "validate", *arguments, given=GOOD.encode()).code == 2


def test_a_file_that_vanishes_or_is_no_file_does_not_stop_the_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.yaml").write_text(GOOD)

    assert sshcred(tmp_path, "validate", ".").code == 0
