"""YAML as kubectl reads it, with lines, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from sshcredential_operator.manifests.documents import Document, NoYaml, documents_of


def read(text: str) -> Any:
    [document] = documents_of(text)
    assert isinstance(document, Document)
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("7", 7),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("09", 9),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        ("-7", -7),
        ("1:30", "1:30"),
        ("2026-11-29", "2026-11-29"),
        ("24h", "24h"),
        ("'7'", "7"),
        ('"y"', "y"),
        ("!!str 7", "7"),
        ("_1", "_1"),
        ("nul", "nul"),
    ],
)
def test_a_scalar_is_what_kubectl_takes_it_for(text: str, value: Any) -> None:
    found = read(f"a: {text}")["a"]

    assert found == value
    assert type(found) is type(value)


def test_documents_have_numbers_and_members_lines() -> None:
    first, second = documents_of("# c\na: 1\n---\nb:\n  c:\n  - d\n  - e: 1\n")

    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.number, first.line, second.number, second.line) == (1, 2, 2, 4)
    assert second.line_of(("b", "c", 1, "e")) == 7
    assert second.line_of(("b", "c", 1, "e", "not there")) == 7


def test_json_is_read_too() -> None:
    assert read('{"a": [1, true, null, "x"]}') == {"a": [1, True, None, "x"]}


def test_a_document_without_anything_is_passed_over() -> None:
    assert [document.number for document in documents_of("---\n# nothing\n---\na: 1\n")] == [2]


def test_a_key_that_stands_twice_is_found_at_its_second_place() -> None:
    [document] = documents_of("a:\n  b: 1\n  b: 2\n")

    assert isinstance(document, Document)
    assert [(fault.path, fault.rule) for fault in document.faults] == [(("a", "b"), "DuplicateKey")]
    assert document.line_of(("a", "b")) == 3


def test_a_merge_key_brings_what_is_not_there() -> None:
    assert read("x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3\n")["z"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: 1\n b: 2\n", 2, id="indentation"),
        pytest.param("a: [1\nb: 2\n", 2, id="a bracket"),
        pytest.param("a: \x01\n", 1, id="a control character"),
        pytest.param("a: *b\n", 1, id="an alias of nothing"),
        pytest.param("a: &a [*a]\n", 1, id="a list that holds itself"),
        pytest.param("[" * 200 + "]" * 200, 1, id="a deep one"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
                for before, name in zip("abcdef", "bcdefg", strict=True)
            ),
            1,
            id="aliases that multiply",
        ),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(text: str, line: int) -> None:
    found = list(documents_of(text))[-1]

    assert isinstance(found, NoYaml)
    assert found.line == line


def test_what_stands_before_the_mistake_is_read() -> None:
    first, second = documents_of("a: 1\n---\nb: [\n")

    assert isinstance(first, Document)
    assert isinstance(second, NoYaml)
    assert second.number == 2
