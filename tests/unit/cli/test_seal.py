"""`sshcred seal` and `create --dry-run` without a cluster: what is sealed, for whom, and what is said of it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_of
from sshcredential_operator.encryption.sealing_keys import SealingKeys, to_jwks
from unit.cli.command import SSHCRED, Said, sshcred
from unit.cli.sealed import MadeKey
from unit.keys.key_files import ED25519, OPENSSH, P256, PASSPHRASE, PKCS8, PPK, RSA2048, KeyFiles, private_file, run
from unit.keys.test_no_leak import body_text, require_nothing_of

KEY: Final = MadeKey.make(3, days_old=4)
HERE: Final = ["-n", "genomics", "--sealing-key", "keys.json"]
MINE: Final = ["mine", "--name", "hpc-login", *HERE]


@pytest.fixture
def folder(tmp_path: Path, key_files: KeyFiles) -> Path:
    KEY.publish(tmp_path / "keys.json")
    private_file(tmp_path / "mine", key_files.file(ED25519, OPENSSH, PASSPHRASE))
    private_file(tmp_path / "plain", key_files.file(P256))
    private_file(tmp_path / "passphrase", PASSPHRASE + b"\n")
    private_file(tmp_path / "wrong", b"another passphrase")
    (tmp_path / "public").write_text(key_files.line(ED25519))
    private_file(tmp_path / "half", key_files.file(ED25519)[:150])
    return tmp_path


def seal(folder: Path, *arguments: str, given: bytes = b"") -> Said:
    return sshcred(folder, "seal", *arguments, given=given)


def values_of(said: Said) -> dict[str, str]:
    assert said.code == 0, said.error
    values: dict[str, str] = yaml.safe_load("\n".join(said.lines))["sealed"]
    return values


def is_for(values: dict[str, str]) -> set[Seal | None]:
    return {seal_of(text) for text in values.values()}


def test_a_protected_key_is_sealed_with_its_passphrase_on_and_beside_it(folder: Path, key_files: KeyFiles) -> None:
    values = values_of(seal(folder, *MINE, "--passphrase-file", "passphrase"))
    opened = KEY.open(values)

    private_file(folder / "opened", opened["privateKey"])
    assert (
        run("ssh-keygen", "-y", "-P", PASSPHRASE.decode(), "-f", folder / "opened").split()[:2]
        == (key_files.line(ED25519).encode().split()[:2])
    )
    assert opened["passphrase"] == PASSPHRASE
    fingerprint = run("ssh-keygen", "-l", "-f", folder / "public").split()[1].decode()
    strict = Seal(KEY.public.kid, Scope.STRICT, "genomics", "hpc-login", Field.PRIVATE_KEY, fingerprint)
    assert is_for(values) == {strict, strict._replace(field=Field.PASSPHRASE)}


def test_without_its_passphrase_the_sealed_key_file_opens_for_nobody(folder: Path) -> None:
    opened = KEY.open(values_of(seal(folder, *MINE, "--passphrase-file", "passphrase")))
    file = private_file(folder / "opened", opened["privateKey"])
    done = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", file], capture_output=True, check=False)

    assert done.returncode != 0


@pytest.mark.parametrize("form", [OPENSSH, PKCS8, PPK])
def test_every_form_is_sealed_as_one_canonical_file(folder: Path, key_files: KeyFiles, form: str) -> None:
    private_file(folder / "other", b"\xef\xbb\xbf" + key_files.file(RSA2048, form).replace(b"\n", b"\r\n"))
    said = seal(folder, "other", "--name", "hpc-login", *HERE)
    opened = KEY.open(values_of(said))

    assert opened.keys() == {"privateKey"}
    file = private_file(folder / "opened", opened["privateKey"])
    assert run("ssh-keygen", "-y", "-f", file).split()[1] == key_files.line(RSA2048).split()[1].encode()
    assert "other: LineEndingsRepaired" in said.error


def test_the_namespaces_scope_names_nobody(folder: Path) -> None:
    said = seal(folder, "plain", "--scope", "namespace", *HERE)
    [found] = is_for(values_of(said))

    assert found is not None
    assert (found.scope, found.name, found.place) == (Scope.NAMESPACE, None, "any credential of genomics")
    assert (
        f"for any SSHCredential of namespace genomics, to sealing key 3 ({KEY.public.fingerprint}, made 4 days ago)"
        in (said.error)
    )


def test_a_key_comes_from_standard_input(folder: Path, key_files: KeyFiles) -> None:
    said = seal(folder, "-", "--name", "hpc-login", "-o", "json", *HERE, given=key_files.file(P256))

    file = private_file(folder / "opened", KEY.open(json.loads("\n".join(said.lines))["sealed"])["privateKey"])
    assert run("ssh-keygen", "-y", "-f", file).decode().strip() == key_files.line(P256)


def test_a_key_without_a_passphrase_is_remarked_on(folder: Path) -> None:
    assert "plain: the key has no passphrase" in seal(folder, "plain", "--name", "hpc-login", *HERE).error


def test_a_passphrase_that_is_not_needed_is_left_out(folder: Path) -> None:
    said = seal(folder, "plain", "--name", "hpc-login", *HERE, "--passphrase-file", "passphrase")

    assert values_of(said).keys() == {"privateKey"}
    assert "the passphrase that was given is left out" in said.error


def test_files_that_others_may_read_are_warned_of(folder: Path) -> None:
    (folder / "mine").chmod(0o640)
    (folder / "passphrase").chmod(0o604)
    said = seal(folder, *MINE, "--passphrase-file", "passphrase")

    assert said.code == 0
    warnings = [line for line in said.error.splitlines() if line.startswith("warning: ")]
    assert [line.rpartition(" ")[2] for line in warnings] == ["mine", "passphrase"]
    assert all("chmod 600" in line for line in warnings)


REFUSED: Final = {
    "encrypted, and nobody to ask": ([*MINE], "PassphraseRequired: ", "Name it in --passphrase-file"),
    "a wrong passphrase": ([*MINE, "--passphrase-file", "wrong"], "WrongPassphrase: ", "ssh-keygen -y -f FILE"),
    "the public half": (["public", "--name", "hpc-login", *HERE], "PublicKey: ", "without .pub"),
    "half a file": (["half", "--name", "hpc-login", *HERE], "Truncated: ", "Copy the whole file"),
}


@pytest.mark.parametrize(("arguments", "reason", "next_step"), REFUSED.values(), ids=REFUSED)
def test_what_the_operator_would_refuse_is_refused_here(
    folder: Path, arguments: list[str], reason: str, next_step: str
) -> None:
    said = seal(folder, *arguments)

    assert (said.code, said.lines) == (1, [])
    assert reason in said.error
    assert next_step in said.error
    require_nothing_of([body_text((folder / name).read_bytes()) for name in ("mine", "half")], said.error)


def test_a_passphrase_that_ssh_could_not_take_is_refused(folder: Path, key_files: KeyFiles) -> None:
    long = b"x" * 1030
    encrypted = key_files.file(P256, PKCS8, long)
    private_file(folder / "long", encrypted)
    private_file(folder / "words", long)
    said = seal(folder, "long", "--name", "hpc-login", *HERE, "--passphrase-file", "words")

    assert (said.code, said.lines) == (1, [])
    assert "its passphrase is longer than the 1023 bytes that ssh takes" in said.error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["mine", *HERE], "Give --name NAME", id="for whom is not said"),
        pytest.param([*MINE, "--scope", "namespace"], "Give either --name or --scope namespace", id="for one and all"),
        pytest.param(["absent", "--name", "hpc-login", *HERE], "absent: No such file or directory", id="no such file"),
        pytest.param(["mine", "--name", "Mine", *HERE], "Mine is no name", id="a name that is none"),
        pytest.param([*MINE, "--passphrase", "x"], "No such option", id="a passphrase in the command line"),
        pytest.param([*MINE[:-1], "mine"], "holds no sealing keys", id="a file without sealing keys"),
        pytest.param([*MINE[:-1], "changed.json"], "not the key its name says", id="a key that was exchanged"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(folder: Path, arguments: list[str], told: str) -> None:
    other = MadeKey.make(3).public
    exchanged = to_jwks(SealingKeys((other._replace(kid=KEY.public.kid),)))
    (folder / "changed.json").write_text(exchanged)
    said = seal(folder, *arguments)

    assert (said.code, said.lines) == (2, [])
    assert told in " ".join(said.error.split())


def test_nothing_is_sealed_to_a_retired_key(folder: Path) -> None:
    (folder / "keys.json").write_text(to_jwks(SealingKeys((KEY.public._replace(retired=True),))))
    said = seal(folder, "plain", "--name", "hpc-login", *HERE)

    assert (said.code, said.lines) == (1, [])
    assert "every sealing key is retired" in said.error


# --- a terminal


def on_a_terminal(folder: Path, *arguments: str, typed: list[bytes]) -> tuple[int, bytes, bytes]:
    """Run it on a terminal of its own, and type; return how it ended, its standard output, and what was shown."""
    keyboard, terminal = pty.openpty()
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        [*SSHCRED, "seal", *arguments],
        cwd=folder,
        env=path,
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    for line in typed:
        before = shown.count(b"Passphrase of mine: ")
        while shown.count(b"Passphrase of mine: ") == before:
            shown += os.read(keyboard, 1024)
        os.write(keyboard, line + b"\n")
    output, _ = process.communicate(timeout=60)
    while True:
        try:
            more = os.read(keyboard, 1024)
        except OSError:  # its other end is closed
            break
        if not more:
            break
        shown += more
    os.close(keyboard)
    return process.returncode, output, shown


def test_a_passphrase_is_asked_for_without_an_echo(folder: Path) -> None:
    code, output, shown = on_a_terminal(folder, *MINE, typed=[b"a slip", PASSPHRASE])

    assert code == 0, shown
    assert KEY.open(yaml.safe_load(output)["sealed"])["passphrase"] == PASSPHRASE
    assert b"that passphrase does not open it" in shown
    assert PASSPHRASE not in shown
    assert b"a slip" not in shown


def test_after_three_slips_it_ends(folder: Path) -> None:
    code, output, shown = on_a_terminal(folder, *MINE, typed=[b"one", b"two", b"three"])

    assert (code, output) == (1, b"")
    assert b"WrongPassphrase" in shown


# --- a whole manifest


def created(folder: Path, *arguments: str) -> tuple[dict[str, Any], Said]:
    said = sshcred(folder, "create", *arguments, "--dry-run")
    assert said.code == 0, said.error
    found: dict[str, Any] = yaml.safe_load("\n".join(said.lines))
    return found, said


def test_a_manifest_for_git_is_all_that_is_printed(folder: Path) -> None:
    found, said = created(
        folder, "hpc-login", "--private-key", "plain", *HERE, "--description", "Login node", "--display-name", "hpc_1"
    )

    assert found["apiVersion"] == "sshcredentials.dev/v1alpha1"
    assert found["metadata"] == {"name": "hpc-login", "namespace": "genomics"}
    assert {name: found["spec"][name] for name in ("name", "description")} == {
        "name": "hpc_1",
        "description": "Login node",
    }
    assert KEY.open(found["spec"]["sealed"]).keys() == {"privateKey"}
    assert "SSHCredential hpc-login in namespace genomics, and no other" in said.error


def test_a_manifest_is_json_for_programs(folder: Path) -> None:
    said = sshcred(folder, "create", "hpc-login", "--private-key", "plain", *HERE, "--dry-run", "-o", "json")

    assert json.loads("\n".join(said.lines))["kind"] == "SSHCredential"


@pytest.mark.parametrize(
    ("options", "generate"),
    [
        pytest.param([], {}, id="nothing said"),
        pytest.param(["--algorithm", "RSA", "--bits", "4096"], {"algorithm": "RSA", "bits": 4096}, id="RSA"),
        pytest.param(["--algorithm", "Ed25519", "--bits", "256"], {"algorithm": "Ed25519"}, id="Ed25519 has one size"),
        pytest.param(
            ["--comment", "ci@example.org", "--generate-passphrase"],
            {"comment": "ci@example.org", "passphrase": "Generate"},
            id="a comment and a passphrase",
        ),
    ],
)
def test_a_generated_key_needs_no_cluster_and_no_namespace(
    folder: Path, options: list[str], generate: dict[str, Any]
) -> None:
    found, said = created(folder, "deploy-key", "--generate", *options)

    assert found["metadata"] == {"name": "deploy-key"}
    assert found["spec"] == {"generate": generate}
    assert said.error == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param([], "exactly one of --private-key FILE", id="no source"),
        pytest.param(["--generate", "--private-key", "plain"], "exactly one of --private-key FILE", id="two sources"),
        pytest.param(["--private-key", "plain", "--bits", "4096"], "--bits goes with --generate", id="bits of a file"),
        pytest.param(
            ["--generate", "--passphrase-file", "wrong"], "--passphrase-file goes with --private-key", id="a passphrase"
        ),
        pytest.param(["--generate", "--algorithm", "RSA", "--bits", "1024"], "RSA keys are made with", id="few bits"),
        pytest.param(["--generate", "--timeout", "soon"], "is no duration", id="no time"),
    ],
)
def test_wrong_use_of_create_is_told(folder: Path, options: list[str], told: str) -> None:
    said = sshcred(folder, "create", "deploy-key", *options, "--dry-run")

    assert (said.code, said.lines) == (2, [])
    assert told in " ".join(said.error.split())


def test_without_a_namespace_and_a_cluster_one_sentence_is_said(folder: Path) -> None:
    (folder / "config").write_text("")
    said = seal(folder, "plain", "--name", "hpc-login", "--sealing-key", "keys.json", "--kubeconfig", "config")

    assert (said.code, said.lines) == (1, [])
    assert said.error.startswith("Error: no cluster to work with")
