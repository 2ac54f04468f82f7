"""The CRDs keep the house rules: described, bounded, and with sentences for people."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from contract.crd_schema import CRDS, DEFINITIONS, Definition, Field, rules

LONG_TEXTS = {
    "status.hostKey.publicKey": 16384,
    "status.offeredHostKey.publicKey": 16384,
    "status.retiredKeys[].publicKey": 16384,
    "spec.knownHosts.inline": 65536,
    "spec.sealed.privateKey": 98304,
    "spec.sealed.passphrase": 98304,
}
"""Where people paste a file, or a server shows a key; every other string is short."""

DESCRIBED_BY_KUBERNETES = {"metadata"}  # the API server takes no description there


class Rule(NamedTuple):
    """One CEL rule, and what it is shown as."""

    name: str
    rule: dict[str, str]


FIELDS = {f"{definition}: {found.path}": found for definition in DEFINITIONS for found in definition.fields()}
RULES = [
    Rule(f"{definition} {found.path}: {rule['rule'][:50]}", rule)
    for definition in DEFINITIONS
    for found in (Field("root", definition.schema), *definition.fields())
    for rule in rules(found.schema)
]
each_definition = pytest.mark.parametrize("definition", DEFINITIONS, ids=str)


def _fields(kind: str | None = None) -> list:
    return [
        pytest.param(found, id=name) for name, found in FIELDS.items() if kind is None or found.schema["type"] == kind
    ]


@pytest.mark.parametrize("found", _fields())
def test_a_field_has_a_description(found: Field) -> None:
    description = found.schema.get("description", "")

    assert found.path in DESCRIBED_BY_KUBERNETES or (description[:1].isupper() or description.startswith("metadata."))
    assert found.path in DESCRIBED_BY_KUBERNETES or description.endswith(".")


@each_definition
def test_the_kind_itself_has_a_description(definition: Definition) -> None:
    assert definition.schema["description"].startswith(f"{definition} is ")


@pytest.mark.parametrize("found", _fields("string"))
def test_a_string_is_bounded(found: Field) -> None:
    assert found.schema.get("maxLength", 10**6) <= LONG_TEXTS.get(found.path, 4096) or found.schema.get("enum")


@pytest.mark.parametrize("found", _fields("array"))
def test_a_list_is_bounded_and_says_how_it_merges(found: Field) -> None:
    assert found.schema.get("maxItems", 1000) <= 128
    assert found.schema["x-kubernetes-list-type"] in {"atomic", "map", "set"}


@pytest.mark.parametrize("found", _fields("object"))
def test_an_object_names_its_members_and_takes_no_others(found: Field) -> None:
    assert found.schema["properties"]
    assert not {"additionalProperties", "x-kubernetes-preserve-unknown-fields"} & found.schema.keys()


@pytest.mark.parametrize("found", _fields())
def test_nothing_is_named_in_another_namespace(found: Field) -> None:
    assert "namespace" not in found.path.casefold()


@pytest.mark.parametrize("rule", [pytest.param(rule, id=name) for name, rule in RULES])
def test_a_rule_says_in_one_sentence_what_to_do(rule: dict[str, str]) -> None:
    sentence = rule.get("message", "")

    assert 20 < len(sentence) <= 200
    assert "\n" not in sentence
    assert not sentence.endswith(".")
    assert "messageExpression" not in rule or sentence, "an expression that fails falls back to the message"


@each_definition
def test_expressions_know_no_escape_that_re2_does_not(definition: Definition) -> None:
    patterns = [found.schema.get("pattern", "") for found in definition.fields()]

    assert [text for text in [*patterns, *(rule["rule"] for _, rule in RULES)] if "\\u" in text] == []


@each_definition
def test_patterns_stand_only_where_no_person_writes(definition: Definition) -> None:
    written = [found for found in definition.fields() if not found.path.startswith("status.")]

    assert [found.path for found in written if "pattern" in found.schema] == []


@each_definition
def test_patterns_take_the_whole_text(definition: Definition) -> None:
    patterns = {found.path: found.schema.get("pattern", "") for found in definition.fields()}

    assert [path for path, pattern in patterns.items() if not re.fullmatch(r"\^.*\$|", pattern)] == []


@pytest.mark.parametrize(
    ("definition", "columns", "wide"),
    [
        (DEFINITIONS[0], ["Ready", "Reason", "Algorithm", "Fingerprint", "Age"], ["Message"]),
        (DEFINITIONS[1], ["Ready", "Reason", "Credential", "Secret", "Profile", "Expires", "Age"], ["Message"]),
        (DEFINITIONS[2], ["Ready", "Reason", "Host", "Credential", "Last success", "Age"], ["Host key", "Message"]),
    ],
    ids=str,
)
def test_what_a_person_needs_is_printed(definition: Definition, columns: list[str], wide: list[str]) -> None:
    printed = definition.version["additionalPrinterColumns"]

    assert definition.columns == columns
    assert [column["name"] for column in printed if column.get("priority")] == wide
    assert all(column["description"].endswith(".") for column in printed)


@each_definition
def test_a_column_shows_a_field(definition: Definition) -> None:
    paths = {found.path for found in definition.fields()} | {"metadata.creationTimestamp"}
    shown = [column["jsonPath"] for column in definition.version["additionalPrinterColumns"]]

    assert [path for path in shown if re.sub(r"\[.*\]", "[]", path).removeprefix(".") not in paths] == []


def test_every_crd_is_held_to_these_rules() -> None:
    assert len(list(CRDS.iterdir())) == len(DEFINITIONS)


@pytest.mark.parametrize("manifest", sorted(CRDS.iterdir()), ids=lambda path: path.name)
def test_a_manifest_holds_one_crd_and_nothing_else(manifest: Path) -> None:
    documents = list(yaml.safe_load_all(manifest.read_text()))

    assert [document["kind"] for document in documents] == ["CustomResourceDefinition"]
    assert "{{" not in manifest.read_text()


@each_definition
def test_one_version_is_served_and_stored(definition: Definition) -> None:
    assert [(v["served"], v["storage"]) for v in definition.crd["spec"]["versions"]] == [(True, True)]
