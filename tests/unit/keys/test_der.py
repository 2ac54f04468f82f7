"""`keys/der.py`: DER is read, and BER that is not DER is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.keys.der import DerReader, Tag, bit_string
from sshcredential_operator.keys.refusal import Refusal
from unit.keys.key_files import der_int, seq, tlv


@given(st.integers(min_value=0), st.binary(max_size=70_000))
def test_what_is_written_is_read(number: int, octets: bytes) -> None:
    members = DerReader(seq(der_int(number), tlv(4, octets))).sequence()
    assert (members.integer(), members.octets()) == (number, octets)
    members.end()


@pytest.mark.parametrize(
    ("encoded", "dotted"),
    [
        pytest.param("06032b6570", "1.3.101.112", id="Ed25519"),
        pytest.param("06092a864886f70d010101", "1.2.840.113549.1.1.1", id="RSA"),
        pytest.param("0603883703", "2.999.3", id="the third root"),
        pytest.param("060127", "0.39", id="the first root"),
        pytest.param("06014f", "1.39", id="the last of the second root"),
    ],
)
def test_an_object_identifier_is_read(encoded: str, dotted: str) -> None:
    assert DerReader(bytes.fromhex(encoded)).oid() == dotted


@pytest.mark.parametrize(
    ("encoded", "read"),
    [
        pytest.param("020180", DerReader.integer, id="a negative number"),
        pytest.param("02020001", DerReader.integer, id="a number with a zero too many"),
        pytest.param("0200", DerReader.integer, id="a number without octets"),
        pytest.param("020201", DerReader.integer, id="a number that is cut"),
        pytest.param("0401", DerReader.octets, id="octets that are missing"),
        pytest.param("04810100", DerReader.octets, id="a short length in the long form"),
        pytest.param("0482000100", DerReader.octets, id="a length with a zero too many"),
        pytest.param("0480000000", DerReader.octets, id="an indefinite length"),
        pytest.param("0485ffffffffff00", DerReader.octets, id="a length beyond all files"),
        pytest.param("0484", DerReader.octets, id="a length that is cut"),
        pytest.param("04", DerReader.octets, id="no length"),
        pytest.param("", DerReader.octets, id="nothing"),
        pytest.param("020100", DerReader.octets, id="another type"),
        pytest.param("0600", DerReader.oid, id="an object identifier without octets"),
        pytest.param("06022b80", DerReader.oid, id="an object identifier that is cut"),
        pytest.param("0621" + "81" * 32 + "01", DerReader.oid, id="an object identifier without end"),
        pytest.param("31", DerReader.skip, id="a tag alone"),
        pytest.param("310200", DerReader.skip, id="an element that is cut"),
    ],
)
def test_anything_else_is_damage(encoded: str, read: Callable[[DerReader], object]) -> None:
    with pytest.raises(Refusal):
        read(DerReader(bytes.fromhex(encoded)))


def test_an_optional_element_is_taken_only_if_it_is_there() -> None:
    reader = DerReader(tlv(Tag.CONTEXT_1, b"x"))
    assert reader.optional(Tag.CONTEXT_0) is None
    assert reader.optional(Tag.CONTEXT_1) == b"x"
    assert reader.optional(Tag.CONTEXT_1) is None
    assert reader.peek() is None
    reader.end()


def test_what_is_left_over_is_damage() -> None:
    reader = DerReader(der_int(1) + b"\0")
    reader.integer()
    with pytest.raises(Refusal):
        reader.end()


@pytest.mark.parametrize("content", ["", "01ff", "08"], ids=["nothing", "an unused bit", "nothing but unused bits"])
def test_a_bit_string_must_have_whole_octets(content: str) -> None:
    with pytest.raises(Refusal):
        bit_string(bytes.fromhex(content))
    assert bit_string(b"\0ab") == b"ab"
