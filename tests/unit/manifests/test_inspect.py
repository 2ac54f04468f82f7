"""Whole files: which objects are judged, what is said of them, and where."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from contract.tree import ROOT
from sshcredential_operator.manifests.crd import our_kinds
from sshcredential_operator.manifests.finding import Finding, Level
from sshcredential_operator.manifests.inspect import Inspection
from sshcredential_operator.manifests.plaintext import MOST_BYTES
from sshcredential_operator.manifests.rules import applies
from unit.keys.key_files import ED25519, KeyFiles

GOOD = """\
apiVersion: sshcredentials.dev/v1alpha1
kind: SSHCredential
metadata:
  name: hpc-login
spec:
  generate: {}
"""


def inspected(text: str | bytes, file: str = "a.yaml") -> list[Finding]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(Inspection().findings(file, content))


def only(text: str | bytes, file: str = "a.yaml") -> Finding:
    [finding] = inspected(text, file)
    return finding


def test_a_right_manifest_passes() -> None:
    assert inspected(GOOD) == []


EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.yaml")) if path.parent.name != "testdata"]
"""What people apply. The cases for Argo CD's rules have words in the place of sealed values."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes(path: Path) -> None:
    assert inspected(path.read_bytes()) == []


def test_a_mistake_has_its_place() -> None:
    found = only("---\n" + GOOD.replace("generate: {}", "generate:\n    bits: 256"))

    assert (found.file, found.line, found.document) == ("a.yaml", 8, 1)
    assert (found.object, found.field) == ("SSHCredential hpc-login", "spec.generate.bits")
    assert found.says.startswith("an Ed25519 key has one size; remove bits, or set algorithm")


@pytest.mark.parametrize(
    ("old", "new", "line", "rule", "field"),
    [
        ("v1alpha1", "v1", 1, "NotServed", "apiVersion"),
        ("kind: SSHCredential", "kind: SSHCredentials", 2, "UnknownKind", "kind"),
        ("kind: SSHCredential\n", "", 1, "UnknownKind", "kind"),
        ("apiVersion: sshcredentials.dev/v1alpha1\n", "", 1, "NotServed", "apiVersion"),
        ("  name: hpc-login\n", "  labels: {}\n", 3, "Required", "metadata.name"),
        ("hpc-login", "HPC", 4, "WrongForm", "metadata.name"),
        ("hpc-login", "a.b", 4, "Rule", "metadata.name"),
        ("hpc-login", "hpc-login\n  namespace: A", 5, "WrongForm", "metadata.namespace"),
        ("hpc-login", "hpc-login\n  labels: {-a: b}", 5, "WrongForm", "metadata.labels.-a"),
        ("hpc-login", "hpc-login\n  labels: {a: b c}", 5, "WrongForm", "metadata.labels.a"),
        ("hpc-login", "hpc-login\n  annotations: {a: 1}", 5, "WrongType", "metadata.annotations.a"),
        ("hpc-login", "hpc-login\n  typo: 1", 5, "UnknownField", "metadata.typo"),
        ("  generate: {}", "  Generate: {}\n  generate: {}", 6, "UnknownField", "spec.Generate"),
        ("  generate: {}", "  generate: {}\n  generate: {}", 7, "DuplicateKey", "spec.generate"),
        ("  generate: {}", "  generate: {}\n  rotation: {serial: -1}", 7, "OutOfRange", "spec.rotation.serial"),
        ("  generate: {}", "  generate: {}\n  suspend: 'y'", 7, "WrongType", "spec.suspend"),
        ("  generate: {}", "  generate: {algorithm: DSA}", 6, "NotSupported", "spec.generate.algorithm"),
        ("  generate: {}", f"  generate: {{comment: {'a' * 2000}}}", 6, "TooLong", "spec.generate.comment"),
    ],
)
def test_what_is_wrong_is_found_at_its_line(old: str, new: str, line: int, rule: str, field: str) -> None:
    found = only(GOOD.replace(old, new))

    assert (found.line, found.rule, found.field, found.level) == (line, rule, field, Level.ERROR)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = GOOD.replace("generate: {}", "typo: 1\n  generate: {bits: x}\n  deletionGracePeriod: soon")

    assert [found.field for found in inspected(text)] == [
        "spec.typo",
        "spec.generate.bits",
        "spec.deletionGracePeriod",
    ]


def test_a_generated_name_is_a_warning() -> None:
    found = only(GOOD.replace("name: hpc-login", "generateName: hpc-"))

    assert (found.rule, found.level) == ("GeneratedName", Level.WARNING)


def test_objects_in_a_list_are_judged() -> None:
    indented = GOOD.replace("generate", "Generate").replace("\n", "\n  ")
    found = inspected(f"apiVersion: v1\nkind: List\nitems:\n- {indented}")

    assert {finding.field for finding in found} == {"items[0].spec.Generate", "items[0].spec"}
    assert found[0].line == 9


@pytest.mark.parametrize(("files", "level"), [(["a", "a"], Level.ERROR), (["a", "b"], Level.WARNING)], ids=str)
def test_the_same_object_twice_is_told(files: Sequence[str], level: Level) -> None:
    inspection = Inspection()
    texts = [f"{GOOD}---\n{GOOD}"] if len(set(files)) == 1 else [GOOD, GOOD]
    found = [
        finding
        for file, text in zip(dict.fromkeys(files), texts, strict=True)
        for finding in inspection.findings(f"{file}.yaml", text.encode())
    ]

    assert [(finding.rule, finding.level) for finding in found] == [("DuplicateObject", level)]
    assert "a.yaml, line 1" in found[0].says


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "- a\n",
        "kind: Deployment\napiVersion: apps/v1\nspec: 7\n",
        "",
        "text",
        "kind: SSHKey\napiVersion: v1\n",
    ],
)
def test_what_is_not_ours_is_left_alone(text: str) -> None:
    assert inspected(text) == []


@pytest.mark.parametrize(
    ("text", "rule", "level"),
    [
        ("a: [\n", "NoYaml", Level.ERROR),
        ("{{ if x }}\na: 1\n{{ end }}\n", "Template", Level.WARNING),
        (b"a: \xff\n", "NoText", Level.ERROR),
    ],
)
def test_what_cannot_be_read_is_told(text: str | bytes, rule: str, level: Level) -> None:
    found = only(text)

    assert (found.rule, found.level) == (rule, level)


def test_only_files_of_manifests_are_read_as_such() -> None:
    assert inspected("a: [\n", "notes.txt") == []


def test_a_key_in_a_secret_is_found_at_its_field_and_never_shown(key_files: KeyFiles) -> None:
    encoded = base64.b64encode(key_files.file(ED25519)).decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: my-key\n  namespace: a\ndata:\n  key: {encoded}\n"
    found = only(f"{GOOD}---\n{secret}")

    assert (found.line, found.document, found.object, found.field) == (14, 2, "Secret a/my-key", "data.key")
    assert found.rule == "PrivateKey"
    assert encoded[100:120] not in str(found)


def test_a_file_that_is_too_large_to_be_searched_is_told() -> None:
    found = only(b"x \n" * (MOST_BYTES // 3 + 1), "a.bin")

    assert (found.rule, found.level) == ("TooLarge", Level.WARNING)


def test_the_rules_are_those_of_the_crds() -> None:
    """The copies in the package hold what crds/ holds, and only rules about a change are left to the server."""
    sources = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    schemas = {
        source["spec"]["names"]["kind"]: source["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for source in sources
    }

    assert {name: kind.versions["v1alpha1"] for name, kind in our_kinds().items()} == schemas
    assert not applies("has(self.name) == has(oldSelf.name)")
    assert applies("self.matches('x')")
