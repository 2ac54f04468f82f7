"""`ssh/host_patterns.py`: patterns mean what they mean to ssh, whatever they look like."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshcredential_operator.ssh.host_patterns import MAX_PATTERN, list_matches, matches

LISTS = [
    pytest.param("a.example.org", "a.example.org", True, id="the name itself"),
    pytest.param("A.Example.ORG", "a.example.org", True, id="whatever the case"),
    pytest.param("b,a.example.org", "a.example.org", True, id="one of several"),
    pytest.param("*.example.org", "a.example.org", True, id="a star for a label"),
    pytest.param("*.example.org", "a.b.example.org", True, id="a star for several labels"),
    pytest.param("*.example.org", "example.org", False, id="a star and the dot lacks"),
    pytest.param("?.example.org", "a.example.org", True, id="a question mark for a letter"),
    pytest.param("?.example.org", "ab.example.org", False, id="a question mark for two"),
    pytest.param("*", "a.example.org", True, id="all"),
    pytest.param("*,!a.example.org", "a.example.org", False, id="all but this one"),
    pytest.param("!a.example.org,*", "a.example.org", False, id="but this one all"),
    pytest.param("!a.example.org", "b.example.org", False, id="only what is not meant"),
    pytest.param("!*.example.org,*.org", "b.org", True, id="not a pattern, and another"),
    pytest.param("a.example.org", "a.example.orgs", False, id="a name that goes on"),
    pytest.param("[a.example.org]:*", "[a.example.org]:2222", True, id="any port but 22"),
    pytest.param("[a-z].example.org", "a.example.org", False, id="brackets are no class of letters"),
    pytest.param("", "a.example.org", False, id="an empty list"),
    pytest.param("x" * (MAX_PATTERN + 1) + ",*", "a", False, id="a pattern that is too long ends the list"),
    pytest.param("*," + "x" * (MAX_PATTERN + 1), "a", False, id="and also after a match"),
    pytest.param("x" * MAX_PATTERN + ",*", "a", True, id="the longest pattern does not"),
]


@pytest.mark.parametrize(("patterns", "name", "expected"), LISTS)
def test_a_list_means_what_it_means_to_ssh(patterns: str, name: str, expected: bool) -> None:
    assert list_matches(patterns, name) is expected


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
@example("a*", "a")
@example("*a*a*", "a")
@example("a*a", "a")
def test_a_pattern_means_what_the_regular_expression_means(pattern: str, name: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)
    assert matches(pattern, name) is (re.fullmatch(expression, name) is not None)
