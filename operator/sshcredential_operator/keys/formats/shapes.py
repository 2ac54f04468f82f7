"""Tells by the shape of a DER body which of the PEM forms it is, whatever its label says. Used by the recognisers."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.keys.der import DerReader, Tag
from sshcredential_operator.keys.formats import pkcs1, pkcs8, pkcs8_encrypted, sec1
from sshcredential_operator.keys.refusal import Refusal

_SHAPES: Final[dict[str, tuple[int, ...]]] = {
    pkcs1.LABEL: (Tag.INTEGER,) * 9,
    sec1.LABEL: (Tag.INTEGER, Tag.OCTET_STRING),
    pkcs8.LABEL: (Tag.INTEGER, Tag.SEQUENCE, Tag.OCTET_STRING),
    pkcs8_encrypted.LABEL: (Tag.SEQUENCE, Tag.OCTET_STRING),
}
"""The tags of the first members."""

DER_LABELS: Final = frozenset(_SHAPES)


def label_of(body: bytes) -> str | None:
    """Return the label that belongs to a DER body, or None if it is none of these forms."""
    try:
        outer = DerReader(body)
        members = outer.sequence()
        outer.end()
        tags = members.tags()
    except Refusal:
        return None
    return next((label for label, shape in _SHAPES.items() if tags[: len(shape)] == shape), None)


def plain_label_of(body: bytes) -> str | None:
    """Return the label that belongs to the body of a private key that is not encrypted, else None."""
    label = label_of(body)
    return None if label == pkcs8_encrypted.LABEL else label
