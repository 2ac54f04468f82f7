"""What comes over a connection to an API server, as bytes: the answer to a request, and what is not one."""

from __future__ import annotations

import http.client
import io
import random
from typing import Any, Final, cast

from fuzz.mutations import BYTES, TEXT
from fuzz.target import Target
from sshcredential_operator.controller.http_answer import LONGEST_HEAD, AnswerReader, HttpAnswer

_OK: Final = b"HTTP/1.1 200 OK\r\n"


def _answers() -> list[bytes]:
    framed = _OK + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    chunked = _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nRetry-After: 1\r\n\r\n"
    return [
        framed,
        chunked,
        framed + chunked,
        b"HTTP/1.1 100 Continue\r\n\r\n" + framed,
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ]


def _read(data: bytes, *sizes: int) -> tuple[HttpAnswer | None, bool, HttpAnswer | None]:
    """Return the answer and whether the connection stays; and the answer once the stream has ended."""
    reader, at = AnswerReader(), 0
    for size in sizes:
        reader.feed(data[at : at + size])
        at += size
    reader.feed(data[at:])
    answer, stays = reader.answer, reader.is_reusable
    reader.end()
    assert not reader.is_reusable, "a connection that has ended is to be used"
    assert answer is None or reader.answer is answer, "an answer that changes"
    return answer, stays, reader.answer


def _is_cut_off(data: bytes) -> bool:
    """Whether Python's own client misses something of the body."""
    stream = io.BytesIO(data)
    stream.makefile = lambda *_: stream  # type: ignore[attr-defined]  # what it wants of a socket
    response = http.client.HTTPResponse(cast("Any", stream))
    try:
        response.begin()
        response.read()
    except http.client.IncompleteRead:
        return True
    except (http.client.HTTPException, ValueError, OSError):
        return False
    return False


def _answered(data: bytes) -> str:
    if len(data) > LONGEST_HEAD:
        return "longer than any"
    chance = random.Random(len(data))
    read = _read(data)
    assert read == _read(data, *(chance.randrange(1, 9) for _ in range(len(data) // 4))), "depends on the pieces"
    answer, stays, at_last = read
    assert answer is not None or not stays, "nothing, and yet another may follow"
    if at_last is not None and at_last.code != http.HTTPStatus.NO_CONTENT:
        assert not _is_cut_off(data), "a body that was cut off"
    return f"{answer is not None} {stays} {at_last is not None} {at_last and at_last.code // 100}"


TARGETS: Final = (
    Target(
        "http-answers",
        "Bytes come to the same whatever their pieces, and what was cut off is no answer.",
        _answers,
        (*TEXT, *BYTES),
        _answered,
    ),
)
