"""Tells by the shape of a DER body which of the PEM forms it is, whatever its label says. Used by the recognisers."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.keys.der import DerReader, Tag
from sshcredential_operator.keys.formats import pkcs1, pkcs8, pkcs8_encrypted, sec1
from sshcredential_operator.keys.refusal import Refusal

_LABEL_OF_SHAPE: Final[dict[tuple[int | None, int | None], str]] = {
    (Tag.INTEGER, Tag.INTEGER): pkcs1.LABEL,
    (Tag.INTEGER, Tag.OCTET_STRING): sec1.LABEL,
    (Tag.INTEGER, Tag.SEQUENCE): pkcs8.LABEL,
    (Tag.SEQUENCE, Tag.OCTET_STRING): pkcs8_encrypted.LABEL,
}
"""By the tags of the first two members."""

DER_LABELS: Final = frozenset(_LABEL_OF_SHAPE.values())


def label_of(body: bytes) -> str | None:
    """Return the label that belongs to a DER body, or None if it is none of these forms."""
    try:
        outer = DerReader(body)
        members = outer.sequence()
        outer.end()
        first = members.peek()
        members.skip()
    except Refusal:
        return None
    return _LABEL_OF_SHAPE.get((first, members.peek()))
