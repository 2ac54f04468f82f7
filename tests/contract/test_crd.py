"""The CRD keeps the house rules: described, bounded, and with sentences for people."""

import re
from pathlib import Path

import pytest
import yaml

from contract.crd_schema import CRD, CRD_FILE, SCHEMA, VERSION, Field, fields, rules

FIELDS = list(fields())
RULES = [(node.path, rule) for node in (Field("root", SCHEMA), *FIELDS) for rule in rules(node.schema)]
EXPRESSIONS = [rule["rule"] for _, rule in RULES] + [node.schema.get("pattern", "") for node in FIELDS]
DESCRIBED_BY_KUBERNETES = {"metadata"}  # the API server takes no description there


def _of_type(kind: str) -> list[Field]:
    return [found for found in FIELDS if found.schema["type"] == kind]


@pytest.mark.parametrize("found", FIELDS, ids=lambda found: found.path)
def test_a_field_has_a_description(found: Field) -> None:
    description = found.schema.get("description", "")

    assert found.path in DESCRIBED_BY_KUBERNETES or (description[:1].isupper() or description.startswith("metadata."))
    assert found.path in DESCRIBED_BY_KUBERNETES or description.endswith(".")


def test_the_kind_itself_has_a_description() -> None:
    assert SCHEMA["description"].startswith("SSHCredential is ")


@pytest.mark.parametrize("found", _of_type("string"), ids=lambda found: found.path)
def test_a_string_is_bounded(found: Field) -> None:
    assert found.schema.get("maxLength", 5000) <= 4096 or found.schema.get("enum")


@pytest.mark.parametrize("found", _of_type("array"), ids=lambda found: found.path)
def test_a_list_is_bounded_and_says_how_it_merges(found: Field) -> None:
    assert found.schema.get("maxItems", 1000) <= 128
    assert found.schema["x-kubernetes-list-type"] in {"atomic", "map", "set"}


@pytest.mark.parametrize("found", _of_type("object"), ids=lambda found: found.path)
def test_an_object_names_its_members_and_takes_no_others(found: Field) -> None:
    assert found.schema["properties"]
    assert not {"additionalProperties", "x-kubernetes-preserve-unknown-fields"} & found.schema.keys()


@pytest.mark.parametrize("rule", [pytest.param(rule, id=f"{path}: {rule['rule'][:50]}") for path, rule in RULES])
def test_a_rule_says_in_one_sentence_what_to_do(rule: dict[str, str]) -> None:
    sentence = rule.get("message", "")

    assert 20 < len(sentence) <= 200
    assert "\n" not in sentence
    assert not sentence.endswith(".")
    assert "messageExpression" not in rule or sentence, "an expression that fails falls back to the message"


def test_expressions_know_no_escape_that_re2_does_not() -> None:
    assert [expression for expression in EXPRESSIONS if "\\u" in expression] == []


def test_patterns_stand_only_where_no_person_writes() -> None:
    assert [path for path, schema in FIELDS if "pattern" in schema and not path.startswith("status.")] == []


def test_patterns_take_the_whole_text() -> None:
    assert [path for path, schema in FIELDS if not re.fullmatch(r"\^.*\$|", schema.get("pattern", ""))] == []


def test_what_a_person_needs_is_printed() -> None:
    columns = [(column["name"], column.get("priority", 0)) for column in VERSION["additionalPrinterColumns"]]

    assert columns == [("Ready", 0), ("Reason", 0), ("Algorithm", 0), ("Fingerprint", 0), ("Age", 0), ("Message", 1)]


@pytest.mark.parametrize("manifest", sorted(CRD_FILE.parent.iterdir()), ids=lambda path: path.name)
def test_the_folder_holds_crds_and_nothing_else(manifest: Path) -> None:
    documents = list(yaml.safe_load_all(manifest.read_text()))

    assert [document["kind"] for document in documents] == ["CustomResourceDefinition"]
    assert "{{" not in manifest.read_text()


def test_one_version_is_served_and_stored() -> None:
    assert [(v["served"], v["storage"]) for v in CRD["spec"]["versions"]] == [(True, True)]
