"""docs/attacks.md: every test that it names exists, and every test of an attack on the real API server is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from contract.markdown import table
from contract.tree import ROOT, text_of

PAGE: Final = Path("docs/attacks.md")
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
AFTERWARDS: Final = "test_the_operator_is_ready_after_all_of_this"
"""No attack."""


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name for node in functions if node.name.startswith("test_")}


def missing(page: str) -> list[str]:
    """Return the names on a page that are no test."""
    return [
        f"{file}::{test}"
        for file, test in NAMED.findall(page)
        if not (ROOT / file).is_file() or test not in names_in(ROOT / file)
    ]


def attacks() -> list[list[str]]:
    return table(text_of(PAGE), "Attack")


def test_every_attack_says_what_comes_of_it_and_names_a_test() -> None:
    rows = attacks()
    assert len(rows) > 30
    assert [row[0] for row in rows if len(row) != 3 or not row[1] or not NAMED.search(row[2])] == []


def test_every_test_on_the_page_exists() -> None:
    assert missing(text_of(PAGE)) == []


@pytest.mark.parametrize("name", ["tests/contract/test_attacks_page.py::test_no_such", "tests/none.py::test_x"])
def test_a_name_that_is_no_test_is_noticed(name: str) -> None:
    assert missing(f"| an attack | told | `{name}` |") == [name]


def test_every_test_of_an_attack_is_on_the_page() -> None:
    named = {f"{file}::{test}" for file, test in NAMED.findall(text_of(PAGE))}
    files = sorted((ROOT / "tests" / "cluster").glob("test_attacks_*.py"))
    made = {f"{path.relative_to(ROOT)}::{test}" for path in files for test in names_in(path) if test != AFTERWARDS}
    assert len(made) > 10
    assert made - named == set()
