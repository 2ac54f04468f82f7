"""`sshcred reseal` from the original file, without a cluster: which manifests move, which stay, and what is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sshcredential_operator.encryption.sealing import Scope, seal_of
from unit.cli.command import Said, sshcred
from unit.cli.sealed import MadeKey
from unit.keys.key_files import ED25519, OPENSSH, P256, PASSPHRASE, KeyFiles, private_file, run
from unit.keys.test_no_leak import body_text, require_nothing_of

OLD, NEW = MadeKey.make(1, days_old=40), MadeKey.make(2)
HERE: Final = ["-n", "genomics"]
FROM_PLAIN: Final = ["--private-key", "plain", "--sealing-key", "new.json"]
FROM_PROTECTED: Final = ["--private-key", "protected", "--passphrase-file", "passphrase", "--sealing-key", "new.json"]
COMMENT: Final = "# kept as it is\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, key_files: KeyFiles) -> Path:
    """Three manifests that are sealed to the old key, in a repository, and the private keys beside it."""
    tmp_path = tmp_path_factory.mktemp("made")
    OLD.publish(tmp_path / "old.json")
    NEW.publish(tmp_path / "new.json")
    private_file(tmp_path / "plain", key_files.file(P256))
    private_file(tmp_path / "protected", key_files.file(ED25519, OPENSSH, PASSPHRASE))
    private_file(tmp_path / "passphrase", PASSPHRASE)
    repository = tmp_path / "repository"
    (repository / "base").mkdir(parents=True)
    protected = ("--private-key", "protected", "--passphrase-file", "passphrase")
    texts = {
        "plain": create(tmp_path, "plain", "--private-key", "plain"),
        "protected": create(tmp_path, "protected", *protected),
        "shared": create(tmp_path, "shared", "--private-key", "plain", "--scope", "namespace"),
    }
    (repository / "plain.yaml").write_text(COMMENT + texts["plain"])
    (repository / "base" / "both.yml").write_text(f"{texts['protected']}---\n{texts['shared']}")
    (repository / "base" / "kustomization.yaml").write_text("resources: [both.yml]\n")
    return tmp_path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """One's own of all that."""
    return shutil.copytree(made, tmp_path / "own")


def create(folder: Path, name: str, *arguments: str) -> str:
    said = sshcred(folder, "create", name, *arguments, "--dry-run", "--sealing-key", "old.json", *HERE)
    assert said.code == 0, said.error
    return "\n".join(said.lines) + "\n"


def reseal(folder: Path, *arguments: str) -> Said:
    return sshcred(folder, "reseal", *arguments)


def objects(folder: Path) -> dict[str, dict[str, Any]]:
    texts = [path.read_text() for path in (folder / "repository").rglob("*.y*ml")]
    found = [one for text in texts for one in yaml.safe_load_all(text) if "metadata" in one]
    return {one["metadata"]["name"]: one for one in found}


def slots(folder: Path) -> dict[str, set[str]]:
    values = {name: one["spec"]["sealed"].values() for name, one in objects(folder).items()}
    seals = {name: [seal_of(value) for value in found] for name, found in values.items()}
    return {name: {one.kid[0] for one in found if one} for name, found in seals.items()}


def test_the_manifests_of_that_key_move_and_hold_the_same(folder: Path, key_files: KeyFiles) -> None:
    before = objects(folder)
    said = reseal(folder, "repository", *FROM_PLAIN)
    after = objects(folder)

    assert slots(folder) == {"plain": {"2"}, "protected": {"1"}, "shared": {"2"}}
    assert said.code == 1
    assert said.lines == [
        "repository/plain.yaml:2: plain is sealed to the newest key",
        "repository/base/both.yml:11: shared is sealed to the newest key",
    ]
    assert "repository/base/both.yml:1: protected stays as it is: it holds another key, SHA256:" in said.error
    for name in ("plain", "shared"):
        old, new = (one[name]["spec"]["sealed"] for one in (before, after))
        assert NEW.open(new) == OLD.open(old)
        assert seal_of(new["privateKey"]) == seal_of(old["privateKey"])._replace(kid=NEW.public.kid)  # type: ignore[union-attr]
    assert after["shared"]["metadata"] == before["shared"]["metadata"]
    assert (folder / "repository" / "plain.yaml").read_text().startswith(COMMENT)
    require_nothing_of([body_text(key_files.file(P256))], "".join(said.lines) + said.error)


def test_a_key_with_a_passphrase_moves_with_it(folder: Path) -> None:
    said = reseal(folder, "repository/base", *FROM_PROTECTED)

    assert slots(folder) == {"plain": {"1"}, "protected": {"2"}, "shared": {"1"}}
    assert NEW.open(objects(folder)["protected"]["spec"]["sealed"])["passphrase"] == PASSPHRASE
    assert PASSPHRASE.decode() not in said.error + "".join(said.lines)


def test_the_second_time_nothing_changes_and_that_is_said(folder: Path) -> None:
    reseal(folder, "repository/plain.yaml", *FROM_PLAIN)
    before = (folder / "repository" / "plain.yaml").read_bytes()
    said = reseal(folder, "repository/plain.yaml", *FROM_PLAIN)

    assert (said.code, said.lines) == (0, [])
    assert "repository/plain.yaml:2: plain is sealed to the newest key already" in said.error
    assert (folder / "repository" / "plain.yaml").read_bytes() == before


def test_a_dry_run_prints_a_difference_and_changes_nothing(folder: Path) -> None:
    file = folder / "repository" / "plain.yaml"
    before = file.read_bytes()
    said = reseal(folder, "repository/plain.yaml", "--dry-run", *FROM_PLAIN)

    assert said.code == 0
    assert file.read_bytes() == before
    assert said.lines[:2] == ["--- a/repository/plain.yaml", "+++ b/repository/plain.yaml"]
    assert [line[:16] for line in said.lines[3:] if line[0] in "+-"] == ["-    privateKey:", "+    privateKey:"]
    assert "plain would be sealed to the newest key" in said.error


def test_with_a_namespace_the_others_are_passed_over(folder: Path) -> None:
    said = reseal(folder, "repository/plain.yaml", *FROM_PLAIN, "-n", "elsewhere")

    assert said.code == 0
    assert "repository/plain.yaml:2: plain is of another namespace" in said.error
    assert slots(folder)["plain"] == {"1"}


def test_a_passphrase_that_one_of_both_lacks_is_told_of(folder: Path) -> None:
    file = folder / "repository" / "plain.yaml"
    manifest = yaml.safe_load(file.read_text())
    seal = seal_of(manifest["spec"]["sealed"]["privateKey"])
    assert seal
    assert seal.scope is Scope.STRICT
    private_file(folder / "protected-too", (folder / "plain").read_bytes())
    run_ssh_keygen(folder / "protected-too")
    said = reseal(
        folder,
        "repository/plain.yaml",
        *("--private-key", "protected-too", "--passphrase-file", "passphrase", "--sealing-key", "new.json"),
    )

    assert said.code == 1
    assert "plain stays as it is: its key has a passphrase, and spec.sealed.passphrase is missing" in said.error


def run_ssh_keygen(file: Path) -> None:
    run("ssh-keygen", "-q", "-p", "-f", file, "-P", "", "-N", PASSPHRASE.decode())


WRONG: Final[dict[str, tuple[list[str], str]]] = {
    "nothing": ([], "Give either the files to reseal, or --from-cluster NAME."),
    "both": (["repository", "--from-cluster", "plain"], "Give either the files to reseal, or --from-cluster NAME."),
    "a file that is not there": (["nothing.yaml"], "'nothing.yaml' does not exist"),
    "a sealing key alone": (["repository", "--sealing-key", "new.json"], "go with --private-key"),
    "a name that is none": (["--from-cluster", "No!"], "No! is no name"),
    "a key for the cluster's": (["--from-cluster", "plain", "--private-key", "plain"], "--private-key goes with files"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_ends_with_2(folder: Path, arguments: list[str], told: str) -> None:
    said = reseal(folder, *arguments)

    assert (said.code, said.lines) == (2, [])
    assert told in said.error


def test_files_in_which_nothing_is_sealed_are_no_mistake_and_those_that_are_no_yaml_are_told(folder: Path) -> None:
    template = "{{- if .Values.x }}\nkind: SSHCredential\n"
    (folder / "repository" / "template.yaml").write_text(template)
    (folder / "repository" / "other-template.yaml").write_text("{{- if .Values.x }}\nkind: Pod\n")
    nothing = reseal(folder, "repository/base/kustomization.yaml", *FROM_PLAIN)
    said = reseal(folder, "repository", *FROM_PLAIN)

    assert nothing.code == 0
    assert "kustomization.yaml: no SSHCredential in it has spec.sealed" in nothing.error
    assert "Error: repository/template.yaml:1: is no YAML, so it stays as it is" in said.error
    assert "other-template" not in said.error
    assert said.code == 1
