"""`encryption/kms_messages.py`: against bytes that protoc's own encoding gives, and whatever a plugin may send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.encryption.kms_messages import (
    NotAMessage,
    decrypt_request,
    decrypt_response,
    encrypt_request,
    encrypt_response,
    status_response,
)
from sshcredential_operator.encryption.root_kms import Encrypted, PluginStatus
from unit.encryption.samples import unhurried

ENCRYPTED = b"\n\x03abc\x12\x05key-1\x1a\x0c\n\x05n.tst\x12\x03\x00\x01\x02\x1a\x07\n\x05e.tst"


def test_a_request_is_encoded_field_by_field() -> None:
    assert encrypt_request(b"abc", "u1") == b"\n\x03abc\x12\x02u1"
    asked = decrypt_request(b"abc", "u1", "key-1", {"n.tst": b"\0\1\2", "e.tst": b""})
    assert asked == b'\n\x03abc\x12\x02u1\x1a\x05key-1"\x0c\n\x05n.tst\x12\x03\x00\x01\x02"\x07\n\x05e.tst'


def test_a_long_value_has_a_length_of_several_octets() -> None:
    assert encrypt_request(b"x" * 300, "") == b"\n\xac\x02" + b"x" * 300


def test_answers_are_read() -> None:
    assert status_response(b"\n\x02v2\x12\x02ok\x1a\x05key-1") == PluginStatus("v2", "ok", "key-1")
    assert encrypt_response(ENCRYPTED) == Encrypted(b"abc", "key-1", {"n.tst": b"\0\1\2", "e.tst": b""})
    assert decrypt_response(b"\n\x03abc") == b"abc"


def test_an_empty_answer_has_empty_fields() -> None:
    assert (status_response(b""), decrypt_response(b"")) == (PluginStatus("", "", ""), b"")


def test_unknown_fields_are_passed_over_whatever_their_type() -> None:
    unknown = b"\x20\xff\x01" + b"\x29" + b"8" * 8 + b"\x35" + b"4" * 4 + b"\x3a\x02zz"
    assert decrypt_response(unknown + b"\n\x03abc" + unknown) == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\n\x04abc", id="cut within a value"),
        pytest.param(b"\n", id="cut after a tag"),
        pytest.param(b"\n\xff", id="cut within a length"),
        pytest.param(b"\xff" * 11, id="a number without an end"),
        pytest.param(b"\x0b", id="a group"),
        pytest.param(b"\n\x02\xff\xfe", id="a text that is no UTF-8"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(NotAMessage):
        status_response(data)


@unhurried
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for read in (status_response, encrypt_response, decrypt_response):
        try:
            read(data)
        except NotAMessage:
            continue
