"""The bytes of one HTTP/1.1 answer put together, without any I/O; httptools parses. Used by `http_connection.py`."""

from __future__ import annotations

from typing import Final, NamedTuple

import httptools

LONGEST_HEAD: Final = 64 * 1024
"""Bytes. An API server's heads are below 2 KiB."""
_SWITCHING_PROTOCOLS: Final = 101
_FINAL: Final = 200
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class HttpAnswer(NamedTuple):
    """A whole answer; `retry_after` is that header as it came."""

    code: int
    body: bytes
    retry_after: str | None


class AnswerReader:
    """Takes bytes until `is_over`; `answer` is None then if they were none. Methods `on_…` are the parser's to call."""

    def __init__(self, *, head_only: bool = False) -> None:
        self.answer: HttpAnswer | None = None
        self.is_over = False
        self.is_reusable = False
        """Whether another answer may follow: this one is whole, and nothing came after it."""
        self.bytes_taken = 0
        self._ends_with_head = head_only  # the answer to CONNECT does
        self._has_head = self._is_framed = False
        self._body: list[bytes] = []
        self._retry_after: str | None = None
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self.bytes_taken += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_odd()
        if not self._has_head and self.bytes_taken > LONGEST_HEAD:
            self._is_odd()

    def end(self) -> None:
        """Take the end of the stream, which is the end of a body as well where nothing tells its length."""
        if self._has_head and not self._is_framed and not self.is_over:
            self._complete()
        self._is_odd()

    def _is_odd(self) -> None:
        self.is_over, self.is_reusable = True, False

    def _complete(self) -> None:
        self.is_over, self.is_reusable = True, self._ends_with_head or self._parser.should_keep_alive()
        self.answer = HttpAnswer(self._parser.get_status_code(), b"".join(self._body), self._retry_after)

    def on_message_begin(self) -> None:
        if self.is_over:
            self._is_odd()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._is_framed |= name in _FRAMING
        if name == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        code = self._parser.get_status_code()
        if not self.is_over and (code >= _FINAL or code == _SWITCHING_PROTOCOLS):
            self._has_head = True
            if self._ends_with_head:
                self._complete()

    def on_body(self, data: bytes) -> None:
        if self.is_over:
            self._is_odd()
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._has_head and not self.is_over:
            self._complete()
        elif not self._has_head:  # 100 and its like: the answer is still to come
            self._is_framed, self._retry_after = False, None
