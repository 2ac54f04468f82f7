"""Where a stored value belongs, and the bytes that bind its ciphertext to that place. Used by `credential_secret`.

A value that is copied to another namespace, credential, key number or field does not open, because its place is the
additional authenticated data of its ciphertext. The object's uid is no part of it: a restored backup has another.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from sshcredential_operator.api.names import KIND
from sshcredential_operator.encryption import exact_json
from sshcredential_operator.encryption.exact_json import Malformed

FORMAT: Final = "sshcredentials.dev/v1"
"""Version of everything that is stored. Another format gets another name, and is never opened as this one."""

MAX_KEY_NUMBER: Final = 2**31 - 1
RECORD_NUMBER: Final = 0
"""The record belongs to all keys of its credential; real key numbers begin at 1."""

DNS_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
CREDENTIAL_ID: Final = re.compile(r"[0-9a-f]{32}")

_LONGEST: Final = 512


class Field(StrEnum):
    """What a stored value is."""

    RECORD = "record"
    PRIVATE_KEY = "privateKey"
    PASSPHRASE = "passphrase"


class Place(NamedTuple):
    """The one place where a stored value opens."""

    namespace: str
    name: str
    credential_id: str
    key_number: int
    field: Field

    def aad(self) -> bytes:
        """Return the additional authenticated data: a JSON array in UTF-8 without blanks."""
        return exact_json.write([FORMAT, KIND, *self])


def record_place(namespace: str, name: str, credential_id: str) -> Place:
    """Return the place of a credential's record."""
    return Place(namespace, name, credential_id, RECORD_NUMBER, Field.RECORD)


def place_of(aad: bytes) -> Place | None:
    """Return the place that these bytes name, or None when they are not exactly what `Place.aad` makes."""
    try:
        return _parse(exact_json.items(exact_json.read(aad, _LONGEST), 7))
    except Malformed:
        return None


def _parse(values: list[object]) -> Place:
    if len(values) != 7 or values[:2] != [FORMAT, KIND]:  # noqa: PLR2004 - two fixed items and the place's five
        raise Malformed
    place = Place(
        exact_json.text(values[2], DNS_LABEL),
        exact_json.text(values[3], DNS_LABEL),
        exact_json.text(values[4], CREDENTIAL_ID),
        exact_json.number(values[5], RECORD_NUMBER, MAX_KEY_NUMBER),
        exact_json.choice(values[6], Field),
    )
    if (place.field is Field.RECORD) != (place.key_number == RECORD_NUMBER):
        raise Malformed
    return place
