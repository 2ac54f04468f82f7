from __future__ import annotations

import json
import re
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.encryption import exact_json
from sshcredential_operator.encryption.exact_json import Malformed
from unit.encryption.samples import unhurried


class Colour(StrEnum):
    RED = "Red"


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8)
LISTS = st.lists(SCALARS, max_size=3)
JSON = SCALARS | st.lists(LISTS, max_size=2) | st.dictionaries(st.text(max_size=4), SCALARS | LISTS, max_size=3)


@unhurried
@given(JSON)
def test_what_is_written_reads_back_and_is_what_the_standard_library_writes(value: object) -> None:
    data = exact_json.write(value)
    assert exact_json.read(data, 1 << 20) == value
    assert data == json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"a":1', id="cut"),
        pytest.param(b'{"a":1}\n', id="a last newline"),
        pytest.param(b'{"a":1}{}', id="trailing garbage"),
        pytest.param(b' {"a":1}', id="a leading blank"),
        pytest.param(b'{"a": 1}', id="a blank inside"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate"),
        pytest.param(b'{"a":"\\ud800"}', id="an escaped surrogate"),
        pytest.param(b'{"a":1,"a":1}', id="a name twice"),
        pytest.param(b'{"a":1,"\\u0061":1}', id="a name twice, once escaped"),
        pytest.param(b'{"\\u0061":1}', id="an escape that is not needed"),
        pytest.param(b'{"a":"\\/"}', id="an escaped slash"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":1e999}', id="a number beyond all"),
        pytest.param(b'{"a":18446744073709551616}', id="an integer of 65 bits"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="an integer of 5000 digits"),
        pytest.param(b'{"a":01}', id="a leading zero"),
        pytest.param(b'{"a":1E2}', id="another exponent"),
        pytest.param(b'{"a":-0}', id="minus zero"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,}', id="a last comma"),
        pytest.param(b"[" * 30_000, id="30,000 opening brackets"),
        pytest.param(b"[" * 500 + b"]" * 500, id="500 nested lists"),
        pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, id="500 nested objects"),
        pytest.param(b"[" + b"0," * 40_000 + b"0]", id="too long"),
    ],
)
def test_any_other_spelling_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        exact_json.read(data, 64 * 1024)


def test_the_limit_is_the_longest_that_is_read() -> None:
    assert exact_json.read(b"[1,2]", 5) == [1, 2]
    with pytest.raises(Malformed):
        exact_json.read(b"[1,2]", 4)


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"b": 2, "a": 1}, {"a": 1, "b": 2, "c": 3}, ["a", "b"], "ab", None])
def test_an_object_needs_exactly_its_members_in_their_order(value: object) -> None:
    assert exact_json.members({"a": 1, "b": 2}, "a", "b") == [1, 2]
    with pytest.raises(Malformed):
        exact_json.members(value, "a", "b")


@pytest.mark.parametrize("value", [0, 4, 1.0, True, "1", None, [1]])
def test_a_number_is_an_integer_within_its_bounds(value: object) -> None:
    assert [exact_json.number(n, 1, 3) for n in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(Malformed):
        exact_json.number(value, 1, 3)


@pytest.mark.parametrize("value", ["", "ab\n", "abc", "b", 1, None, ["ab"]])
def test_a_text_matches_as_a_whole(value: object) -> None:
    assert exact_json.text("ab", re.compile("a[b]$")) == "ab"
    with pytest.raises(Malformed):
        exact_json.text(value, re.compile("a[b]$"))


@pytest.mark.parametrize("value", ["red", "RED", "", None, 1, ["Red"], {"Red": 1}])
def test_a_choice_is_one_of_the_values(value: object) -> None:
    assert exact_json.choice("Red", Colour) is Colour.RED
    with pytest.raises(Malformed):
        exact_json.choice(value, Colour)


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_a_flag_is_true_or_false(value: object) -> None:
    assert exact_json.flag(value=True) is True
    with pytest.raises(Malformed):
        exact_json.flag(value)


@pytest.mark.parametrize("value", [[1, 2, 3], "ab", {"a": 1}, None])
def test_a_list_has_no_more_items_than_are_allowed(value: object) -> None:
    assert exact_json.items([1, 2], 2) == [1, 2]
    with pytest.raises(Malformed):
        exact_json.items(value, 2)
