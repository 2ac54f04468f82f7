"""As much of SFTP (draft-ietf-secsh-filexfer-02, OpenSSH's PROTOCOL) as an installation takes. For `sftp_arranging`.

A client of its own, since the library's reads packets of any size, forgets the errors of a close, and cannot create a
file with a mode. Nothing that a server says is kept, but status codes, attributes and contents.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, Protocol

MAX_PACKET: Final = 256 * 1024
CHUNK: Final = 32 * 1024
READ: Final = 0x01
CREATE_NEW: Final = 0x02 | 0x08 | 0x20
"""Write, create, and only if it does not exist."""

_INIT, _VERSION_REPLY = 1, 2
_OPEN, _CLOSE, _READ, _WRITE, _LSTAT, _FSTAT, _SETSTAT, _FSETSTAT = range(3, 11)
_OPENDIR, _READDIR, _REMOVE, _MKDIR = range(11, 15)
_REALPATH, _STAT, _RENAME = range(16, 19)
_EXTENDED: Final = 200
_STATUS, _HANDLE, _DATA, _NAME, _ATTRS = range(101, 106)
_EXTENDED_REPLY: Final = 201
_OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = range(5)
UNSUPPORTED: Final = 8
_SIZE, _OWNER, _MODE, _TIMES = 1, 2, 4, 8


class Channel(Protocol):
    """What is needed of a channel of the library."""

    def send(self, data: bytes, /) -> int:
        """Write as much as fits."""

    def recv(self, nbytes: int, /) -> bytes:
        """Read."""


class Nonsense(Exception):
    """The server breaks the protocol."""


class Refused(Exception):
    """The server answers with this status code. Its text is not kept."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Attributes(NamedTuple):
    """What is known of a file; -1 where the server does not say."""

    size: int = -1
    uid: int = -1
    mode: int = -1
    modified: int = -1


class _Packet:
    """Takes values off the front of a packet."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = self.number(8) if flags & _SIZE else -1
        uid, _ = (self.number(), self.number()) if flags & _OWNER else (-1, -1)
        mode = self.number() if flags & _MODE else -1
        _, modified = (self.number(), self.number()) if flags & _TIMES else (-1, -1)
        return Attributes(size, uid, mode, modified)

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise Nonsense
        self._at += count
        return taken


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _mode(value: int) -> bytes:
    return struct.pack(">II", _MODE, value)


class Sftp:
    """One conversation. Requests go one by one; each raises Refused, Nonsense, EOFError, or what the channel raises."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._number = 0
        self._send(_INIT, struct.pack(">I", 3))
        if self._receive()[0] != _VERSION_REPLY:
            raise Nonsense

    def open(self, path: bytes, flags: int, mode: int | None = None) -> bytes:
        """Return a handle of the file."""
        attributes = struct.pack(">I", 0) if mode is None else _mode(mode)
        return self._ask(_OPEN, _string(path) + struct.pack(">I", flags) + attributes, _HANDLE).string()

    def close(self, handle: bytes) -> None:
        """Close; a server may say only now that it could not write."""
        self._do(_CLOSE, _string(handle))

    def read(self, handle: bytes, limit: int) -> bytes:
        """Return the whole file, or `limit` bytes and at least one more when it has more."""
        content = bytearray()
        while len(content) <= limit:
            ask = _string(handle) + struct.pack(">QI", len(content), CHUNK)
            try:
                part = self._ask(_READ, ask, _DATA).string()
            except Refused as refused:
                if refused.code == EOF:
                    break
                raise
            if not 0 < len(part) <= CHUNK:
                raise Nonsense
            content += part
        return bytes(content)

    def write(self, handle: bytes, content: bytes) -> None:
        """Write from the file's start."""
        for start in range(0, len(content), CHUNK):
            part = content[start : start + CHUNK]
            self._do(_WRITE, _string(handle) + struct.pack(">Q", start) + _string(part))

    def sync(self, handle: bytes) -> None:
        """Bring it onto the disk (fsync@openssh.com)."""
        self._do(_EXTENDED, _string(b"fsync@openssh.com") + _string(handle))

    def set_mode(self, handle: bytes, mode: int) -> None:
        """Set the mode of an open file."""
        self._do(_FSETSTAT, _string(handle) + _mode(mode))

    def set_path_mode(self, path: bytes, mode: int) -> None:
        """Set the mode of a file or folder."""
        self._do(_SETSTAT, _string(path) + _mode(mode))

    def attributes(self, handle: bytes) -> Attributes:
        """Return the attributes of an open file."""
        return self._ask(_FSTAT, _string(handle), _ATTRS).attributes()

    def path_attributes(self, path: bytes, *, follow: bool = True) -> Attributes | None:
        """Return the attributes of what lies there, or None when nothing does."""
        try:
            return self._ask(_STAT if follow else _LSTAT, _string(path), _ATTRS).attributes()
        except Refused as refused:
            if refused.code == NO_SUCH_FILE:
                return None
            raise

    def real_path(self, path: bytes) -> bytes:
        """Return the path without links."""
        packet = self._ask(_REALPATH, _string(path), _NAME)
        if packet.number() != 1:
            raise Nonsense
        return packet.string()

    def names(self, path: bytes, most: int) -> list[bytes]:
        """Return the names in a folder; those that come first, when there are more than about `most`."""
        handle = self._ask(_OPENDIR, _string(path), _HANDLE).string()
        found: list[bytes] = []
        try:
            while len(found) < most:
                packet = self._ask(_READDIR, _string(handle), _NAME)
                for _ in range(packet.number()):
                    found.append(packet.string())
                    packet.string()
                    packet.attributes()
        except Refused as refused:
            if refused.code != EOF:
                raise
        self.close(handle)
        return found

    def make_folder(self, path: bytes, mode: int) -> None:
        """Create a folder."""
        self._do(_MKDIR, _string(path) + _mode(mode))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._do(_REMOVE, _string(path))

    def rename_new(self, path: bytes, to: bytes) -> None:
        """Give a file a name that is free; refused when it is not."""
        self._do(_RENAME, _string(path) + _string(to))

    def rename_over(self, path: bytes, to: bytes) -> None:
        """Give a file a name, and replace what has it, in one step (posix-rename@openssh.com)."""
        self._do(_EXTENDED, _string(b"posix-rename@openssh.com") + _string(path) + _string(to))

    def space(self, path: bytes) -> tuple[int, bool]:
        """Return how many blocks are free, and whether the file system is read-only (statvfs@openssh.com)."""
        packet = self._ask(_EXTENDED, _string(b"statvfs@openssh.com") + _string(path), _EXTENDED_REPLY)
        values = [packet.number(8) for _ in range(11)]
        return values[4], bool(values[9] & 1)

    def _do(self, kind: int, body: bytes) -> None:
        self._ask(kind, body, _STATUS)

    def _ask(self, kind: int, body: bytes, expected: int) -> _Packet:
        self._number += 1
        self._send(kind, struct.pack(">I", self._number) + body)
        answer, data = self._receive()
        packet = _Packet(data)
        if packet.number() != self._number:
            raise Nonsense
        if answer == _STATUS and (code := packet.number()) != _OK:
            raise Refused(code)
        if answer != expected:
            raise Nonsense
        return packet

    def _send(self, kind: int, body: bytes) -> None:
        data = struct.pack(">IB", len(body) + 1, kind) + body
        while data:
            if not (sent := self._channel.send(data)):
                raise EOFError
            data = data[sent:]

    def _receive(self) -> tuple[int, bytes]:
        length = int.from_bytes(self._exactly(4), "big")
        if not 0 < length <= MAX_PACKET:
            raise Nonsense
        data = self._exactly(length)
        return data[0], data[1:]

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            if not (part := self._channel.recv(count - len(data))):
                raise EOFError
            data += part
        return bytes(data)
