"""Values that cannot be meant are refused in words, by both Helms and before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from chart.rendering import HELMS, NAMESPACE, VALUES, rendered, template
from generate.chart_values import VALUES as FILE
from generate.chart_values import Undescribed, Value, schema_of, table_of, values_of

GOOD = {"workspaces": ["genomics"]}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("a value that does not exist", {"workspace": ["genomics"]}, "additional properties 'workspace' not allowed"),
    ("a slip in a name further down", {"image": {"repo": "x"}}, "additional properties 'repo' not allowed"),
    ("a negative number of pods", {"replicas": -1}, "at '/replicas': minimum: got -1, want 0"),
    ("a number in quotes", {"replicas": "2"}, "at '/replicas': got string, want integer"),
    ("another word than those there are", {"log": {"format": "xml"}}, "value must be one of 'json', 'console'"),
    ("a digest that is none", {"image": {"digest": "latest"}}, "at '/image/digest'"),
    ("a slip in the policy", {"policy": {"default": {"minRSABits": 1}}}, "properties 'minRSABits' not allowed"),
    ("weak keys in the policy", {"policy": {"workspaces": {"a": {"minRsaBits": 1024}}}}, "minimum: got 1"),
    ("a label that is no text", {"podLabels": {"cost": 7}}, "at '/podLabels/cost': got number, want string"),
    ("a name that no namespace can have", {"workspaces": ["Genomics"]}, "at '/workspaces/0'"),
    ("no workspaces", {"workspaces": []}, "workspaces is empty: name the namespaces"),
    ("the release's own namespace", {"workspaces": [NAMESPACE]}, "holds the key ring and cannot be a workspace"),
    ("a namespace twice", {"workspaces": ["a", "a"]}, "workspaces holds a namespace twice"),
    ("all namespaces and names", {"workspaces": ["*", "a"]}, "workspaces holds * and names"),
    ("a test where nothing is served", {"tests": {"namespace": "elsewhere"}}, "none of workspaces (genomics)"),
]


@pytest.mark.parametrize("which", HELMS)
@pytest.mark.parametrize(("values", "words"), [pytest.param(v, w, id=i) for i, v, w in REFUSED])
def test_it_is_refused(which: str, values: dict[str, Any], words: str) -> None:
    done = template(which, {**GOOD, **values})

    assert done.returncode != 0
    assert words in done.stderr
    assert done.stdout == ""


def test_nothing_is_rendered_without_workspaces() -> None:
    assert "workspaces is empty" in template("helm4", {}).stderr


def test_the_chart_can_be_a_dependency_of_another() -> None:
    assert template("helm4", {**GOOD, "global": {"registry": "example.com"}}).returncode == 0


# --- every value does something, and is described


def leaves(values: tuple[Value, ...]) -> Iterator[Value]:
    for value in values:
        yield from leaves(value.members) if value.members else (value,)


LEAVES = [leaf for leaf in leaves(values_of(FILE.read_text())) if leaf.path not in {"workspaces", "global"}]


def without(values: dict[str, Any], path: str) -> dict[str, Any] | None:
    """Return the values without one of them, or None where it is not among them."""
    rest = deepcopy(values)
    *folders, name = path.split(".")
    here: Any = rest
    for folder in folders:
        here = here.get(folder, {})
    return rest if here.pop(name, here) is not here else None


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.path)
def test_a_value_changes_what_is_rendered(leaf: Value) -> None:
    name, rest = next((name, rest) for name, given in VALUES.items() if (rest := without(given, leaf.path)) is not None)

    done = template("helm4", rest)
    assert done.stdout != rendered("helm4", name)
    assert done.stdout or leaf.path in done.stderr, "what cannot be left out is asked for by its name"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("one: 1\n", "one has no comment", id="no comment"),
        pytest.param("# What it is\none: 1\n", "one has no comment", id="a comment that is no description"),
        pytest.param("a:\n  # -- One.\n  one: 1\n  two: 2\n", "a.two has no comment", id="further down"),
        pytest.param("# -- A map.\none: {}\n", "one: say in @schema what may be in it", id="a map of anything"),
        pytest.param("# -- A list.\none: []\n", "one: say in @schema what its items are", id="a list of anything"),
    ],
)
def test_a_value_that_is_not_described_is_refused(text: str, path: str) -> None:
    with pytest.raises(Undescribed, match=path):
        schema_of(values_of(text))


def test_a_comment_becomes_a_row_and_a_schema() -> None:
    values = values_of("# Of the file.\n\na:\n  # -- How many,\n  # at most.\n  # @schema {minimum: 0}\n  one: 1\n")

    assert table_of(values).splitlines()[-1] == "| `a.one` | `1` | How many, at most. |"
    assert schema_of(values)["properties"] == {
        "a": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"one": {"type": "integer", "default": 1, "minimum": 0, "description": "How many, at most."}},
        }
    }
