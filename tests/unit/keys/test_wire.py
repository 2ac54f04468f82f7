"""`keys/wire.py`: RFC 4251's examples, and nothing that only resembles them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.wire import WireReader, mpint, string, uint32

MPINTS = [
    pytest.param(0, "00000000", id="zero"),
    pytest.param(0x9A378F9B2E332A7, "0000000809a378f9b2e332a7", id="RFC 4251's positive example"),
    pytest.param(0x80, "000000020080", id="a high bit that needs a zero before it"),
    pytest.param(0x7F, "000000017f", id="a high bit that is free"),
]


@pytest.mark.parametrize(("number", "written"), MPINTS)
def test_a_number_is_written_as_the_rfc_says(number: int, written: str) -> None:
    assert mpint(number).hex() == written
    assert WireReader(bytes.fromhex(written)).mpint() == number


@given(st.integers(min_value=0), st.binary(), st.integers(0, 2**32 - 1))
def test_what_is_written_is_read(number: int, octets: bytes, small: int) -> None:
    reader = WireReader(mpint(number) + string(octets) + uint32(small) + b"rest")
    assert (reader.mpint(), reader.string(), reader.uint32(), reader.rest()) == (number, octets, small, b"rest")
    reader.end()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("000000021234"[:-2], id="shorter than it says"),
        pytest.param("ffffffff00", id="far shorter than it says"),
        pytest.param("000000", id="half a length"),
        pytest.param("0000000180", id="negative"),
        pytest.param("00000002ff7f", id="negative, of two octets"),
        pytest.param("0000000100", id="a zero that is written out"),
        pytest.param("00000002007f", id="a zero before it that is not needed"),
        pytest.param("0000000300ff", id="cut within"),
    ],
)
def test_a_number_in_another_form_is_damage(written: str) -> None:
    with pytest.raises(Refusal):
        WireReader(bytes.fromhex(written)).mpint()


def test_what_is_left_over_is_damage() -> None:
    reader = WireReader(string(b"a") + b"b")
    reader.string()
    assert not reader.at_end()
    with pytest.raises(Refusal):
        reader.end()
