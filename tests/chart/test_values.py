"""Values that cannot be meant are refused in words, by both Helms and before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from chart.rendering import HELMS, NAMESPACE, template

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
