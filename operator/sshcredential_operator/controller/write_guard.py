"""Bodies of requests that ask for leave when their bytes go to the socket. Used by `requests.py`.

Between the decision to write and the first byte lie a wait for a connection, a handshake and a turn of the event loop:
a process that was frozen in between must notice before it writes.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import BytesPayload
from aiohttp.abc import AbstractStreamWriter


class NotPermitted(Exception):  # not an OSError: those the client library tries again
    """This process may not write any more."""


class GuardedBody(BytesPayload):
    """Headers wait for the first bytes of the body, so that nothing at all is sent without leave."""

    def __init__(self, data: bytes, may_write: Callable[[], bool]) -> None:
        super().__init__(data)
        self._may_write = may_write

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, and the headers before it, at once or not at all."""
        if not self._may_write():
            raise NotPermitted
        await super().write_with_length(writer, content_length)
