"""The six messages of the KMS v2 API, as bytes (k8s.io/kms/apis/v2/api.proto). Used by `kms_plugin.py`. Pure.

All fields are strings or bytes, so that a generated codec and the library that it needs would be longer than this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sshcredential_operator.encryption.root_kms import Encrypted, PluginStatus

_DELIMITED: Final = 2
"""The wire type of strings, bytes and messages."""
_SKIPPED: Final = {1: 8, 5: 4}
"""Sizes of the wire types that are not used here, but may be one day; 0 is a varint."""
_LONGEST_VARINT: Final = 10


class NotAMessage(Exception):
    """These bytes are none. Says no more."""


def encrypt_request(plaintext: bytes, uid: str) -> bytes:
    """Return an EncryptRequest."""
    return _field(1, plaintext) + _field(2, uid.encode())


def decrypt_request(ciphertext: bytes, uid: str, key_id: str, annotations: Mapping[str, bytes]) -> bytes:
    """Return a DecryptRequest."""
    entries = (_field(4, _field(1, name.encode()) + _field(2, value)) for name, value in annotations.items())
    return _field(1, ciphertext) + _field(2, uid.encode()) + _field(3, key_id.encode()) + b"".join(entries)


def status_response(data: bytes) -> PluginStatus:
    """Read a StatusResponse."""
    values = _last(data)
    return PluginStatus(*(_text(values.get(number, b"")) for number in (1, 2, 3)))


def encrypt_response(data: bytes) -> Encrypted:
    """Read an EncryptResponse."""
    values = _last(data)
    entries = [_last(value) for number, value in _fields(data) if number == 3]  # noqa: PLR2004 - the field's number
    annotations = {_text(entry.get(1, b"")): entry.get(2, b"") for entry in entries}
    return Encrypted(values.get(1, b""), _text(values.get(2, b"")), annotations)


def decrypt_response(data: bytes) -> bytes:
    """Return the plaintext of a DecryptResponse."""
    return _last(data).get(1, b"")


def _field(number: int, value: bytes) -> bytes:
    # An empty value is the default, and is not sent.
    return _varint(number << 3 | _DELIMITED) + _varint(len(value)) + value if value else b""


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _last(data: bytes) -> dict[int, bytes]:
    """Return the delimited fields; of one that comes twice the last counts, as the format says."""
    return dict(_fields(data))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _read_varint(data, at)
            continue
        if kind == _DELIMITED:
            size, at = _read_varint(data, at)
        elif kind in _SKIPPED:
            size = _SKIPPED[kind]
        else:
            raise NotAMessage
        if at + size > len(data):
            raise NotAMessage
        if kind == _DELIMITED:
            yield tag >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, octet in enumerate(data[at : at + _LONGEST_VARINT]):
        number |= (octet & 0x7F) << 7 * place
        if octet < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return number, at + place + 1
    raise NotAMessage


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotAMessage from None
