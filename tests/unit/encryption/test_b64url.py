from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.encryption import b64url
from unit.encryption.samples import unhurried

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@unhurried
@given(st.binary(min_size=1, max_size=300))
def test_text_is_the_standard_librarys_without_padding_and_reads_back(data: bytes) -> None:
    text = b64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert b64url.decode(text) == data
    assert len(text) == b64url.text_length(len(data))
    assert b64url.is_canonical(text, len(data))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_of_all_short_texts_only_those_that_encoding_makes_are_read(length: int) -> None:
    made = {b64url.encode(bytes([byte])) for byte in range(256)} if length == 2 else set()
    for text in map("".join, itertools.islice(itertools.product(ALPHABET, repeat=length), 70_000)):
        data = b64url.decode(text)
        assert data is None or b64url.encode(data) == text
        assert length == 3 or (data is not None) == (text in made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "AA==",
        "AA=",
        "AB",
        "AAB",
        "A",
        "AAAAA",
        "AA+A",
        "AA/A",
        "AA A",
        "AA\nA",
        "AAAA\n",
        "\u00c4AAA",
        "\uff21AAA",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    assert b64url.decode(text) is None
    assert not b64url.is_canonical(text)


@pytest.mark.parametrize("value", [None, 1, b"AAAA", ["AAAA"], {"AAAA": 1}, True])
def test_what_is_no_text_is_refused(value: object) -> None:
    assert b64url.decode(value) is None


def test_another_size_than_the_wanted_one_is_refused() -> None:
    assert b64url.is_canonical("AAAA", 3)
    assert not b64url.is_canonical("AAAA", 2)
    assert not b64url.is_canonical("AAAA", 4)
