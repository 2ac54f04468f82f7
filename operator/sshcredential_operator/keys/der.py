"""A strict reader of DER (X.690), as much of it as private keys need. Used by the PEM formats.

Our own, because sizes and key derivation parameters must be known and bounded before any library sees the bytes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from sshcredential_operator.keys.refusal import corrupt

_LONG_FORM: Final = 0x80
_LONGEST_OID: Final = 32


class Tag(IntEnum):
    """The identifier octets that occur in private keys."""

    INTEGER = 0x02
    BIT_STRING = 0x03
    OCTET_STRING = 0x04
    NULL = 0x05
    OID = 0x06
    SEQUENCE = 0x30
    PRIMITIVE_1 = 0x81
    CONTEXT_0 = 0xA0
    CONTEXT_1 = 0xA1


class DerReader:
    """Takes elements off the front of some bytes; anything that is not DER, or not what was asked for, is Corrupt."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def peek(self) -> int | None:
        """Return the next element's tag, or None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def element(self, tag: Tag) -> bytes:
        """Return the content of the next element, which must have this tag."""
        if self.peek() != tag:
            raise corrupt()
        self._at += 1
        return self._take(self._length())

    def optional(self, tag: Tag) -> bytes | None:
        """Return the content of the next element if it has this tag, else None."""
        return self.element(tag) if self.peek() == tag else None

    def sequence(self) -> DerReader:
        """Return a reader of the next element, a SEQUENCE."""
        return DerReader(self.element(Tag.SEQUENCE))

    def octets(self) -> bytes:
        """Return the next element, an OCTET STRING."""
        return self.element(Tag.OCTET_STRING)

    def integer(self) -> int:
        """Return the next element, an INTEGER that is not negative."""
        value = self.element(Tag.INTEGER)
        negative = value[:1] > b"\x7f"
        padded = len(value) > 1 and value[:1] == b"\0" and value[1:2] < b"\x80"
        if not value or negative or padded:
            raise corrupt()
        return int.from_bytes(value, "big")

    def oid(self) -> str:
        """Return the next element, an OBJECT IDENTIFIER, in dotted form."""
        return _dotted(self.element(Tag.OID))

    def tags(self) -> tuple[int, ...]:
        """Return the tags of all elements that are left, without taking them."""
        ahead = DerReader(self._data[self._at :])
        found: list[int] = []
        while (tag := ahead.peek()) is not None:
            found.append(tag)
            ahead.skip()
        return tuple(found)

    def skip(self) -> None:
        """Pass over the next element, whatever its tag."""
        self._take(1)
        self._take(self._length())

    def rest(self) -> bytes:
        """Return all that is left, undivided."""
        return self._take(len(self._data) - self._at)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at != len(self._data):
            raise corrupt()

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise corrupt()
        self._at += count
        return taken

    def _length(self) -> int:
        first = self._take(1)[0]
        if first < _LONG_FORM:
            return first
        octets = self._take(first & 0x7F)
        length = int.from_bytes(octets, "big")
        if octets[:1] in {b"", b"\0"} or length < _LONG_FORM:
            raise corrupt()
        return length


def bit_string(content: bytes) -> bytes:
    """Return the octets of a BIT STRING's content, which must have no unused bits."""
    if content[:1] != b"\0":
        raise corrupt()
    return content[1:]


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > _LONGEST_OID:
        raise corrupt()
    arcs, arc = [], 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    root = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (root, arcs[0] - 40 * root, *arcs[1:]))
