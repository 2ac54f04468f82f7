"""The data types of RFC 4251, section 5, read strictly and written. Used for everything in OpenSSH's own format."""

from __future__ import annotations

from sshcredential_operator.keys.refusal import corrupt


class WireReader:
    """Takes values off the front of some bytes; anything that is not exactly as it must be is Corrupt."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise corrupt()
        self._at += count
        return taken

    def uint32(self) -> int:
        """Return the next `uint32`."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next `string`."""
        return self.take(self.uint32())

    def mpint(self) -> int:
        """Return the next `mpint`, which must be in its shortest form and not negative."""
        value = self.string()
        if value[:1] > b"\x7f" or (value[:1] == b"\0" and value[1:2] < b"\x80"):
            raise corrupt()
        return int.from_bytes(value, "big")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)

    def at_end(self) -> bool:
        """Tell whether nothing is left."""
        return self._at == len(self._data)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if not self.at_end():
            raise corrupt()


def uint32(value: int) -> bytes:
    """Return `value` as a `uint32`."""
    return value.to_bytes(4, "big")


def string(value: bytes) -> bytes:
    """Return `value` as a `string`."""
    return uint32(len(value)) + value


def mpint(value: int) -> bytes:
    """Return `value`, which is not negative, as an `mpint`."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")
