"""`controller/http_client.py` in `controller/requests.py`: what a server, or what stands in its place, can do to it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller import http_client
from sshcredential_operator.controller import requests as requests_module
from sshcredential_operator.controller.endpoint import Endpoint
from sshcredential_operator.controller.http_answer import LONGEST_HEAD
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.stage import (
    OK,
    Certificate,
    Line,
    Play,
    Stage,
    answering,
    make_certificate,
    sending_to,
    staging,
)

TOKEN = "test-only-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
LARGE = {"a": "x" * 16_000_000}
"""More than a connection's buffers take."""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1", "::1")


def at(stage: Stage, certificate: Certificate, name: str = "127.0.0.1", **others: Any) -> Endpoint:
    return Endpoint(f"https://{name}:{stage.port}", certificate.cert, BEARER, **others)


def saying(*answers: bytes, then: bytes = answering(b'"last"')) -> Play:
    """Say one of these on each connection after its first request, and answer whatever else comes in order."""

    async def play(line: Line) -> None:
        if line.number <= len(answers):
            await line.request()
            await line.say(answers[line.number - 1])
        while True:
            await line.request()
            await line.say(then)

    return play


def ending(*answers: bytes) -> Play:
    """The same, but each of these connections ends with its answer."""
    others = saying()

    async def play(line: Line) -> None:
        if line.number <= len(answers):
            await line.request()
            await line.say(answers[line.number - 1])
        else:
            await others(line)

    return play


async def trouble_of(asked: Any) -> Reason:
    with pytest.raises(TroubleError) as raised:
        await asyncio.wait_for(asked, 60)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value.reason


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "code", "body", "stays"),
    [
        pytest.param(answering(b"{}"), 200, b"{}", True, id="with a length"),
        pytest.param(answering(b"x" * 3_000_000), 200, b"x" * 3_000_000, True, id="a long one"),
        pytest.param(CHUNKED + b'2\r\n{"\r\n3\r\na"}\r\n0\r\n\r\n', 200, b'{"a"}', True, id="in chunks"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n0\r\nRetry-After: 9\r\n\r\n", 200, b"{}", True, id="chunks with a trailer"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True, id="nothing to say"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + answering(b"{}"), 200, b"{}", True, id="go on, before it"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n" * 2 + answering(b"{}"),
            200,
            b"{}",
            True,
            id="hints before it",
        ),
        pytest.param(OK + b"connection: close\r\ncontent-length: 2\r\n\r\n{}", 200, b"{}", False, id="the last one"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", False, id="of an old server"),
        pytest.param(answering(b"{}") + b"x", 200, b"{}", False, id="with a byte after it"),
        pytest.param(answering(b"{}") + answering(b'"of nobody"'), 200, b"{}", False, id="with another one after it"),
        pytest.param(CHUNKED + b"0\r\n\r\n" + OK, 200, b"", False, id="with half another one after it"),
    ],
)
@pytest.mark.parametrize("dripping", [False, True], ids=["at once", "byte by byte"])
async def test_an_answer_is_read_and_its_connection_kept_only_if_nothing_is_odd(
    certificate: Certificate, answer: bytes, code: int, body: bytes, *, stays: bool, dripping: bool
) -> None:
    read = asyncio.Event()

    async def play(line: Line) -> None:
        if line.number == 1:
            await line.request()
            step = 1 if dripping and len(answer) < 1000 else len(answer)
            for start in range(0, len(answer), step):
                await line.say(answer[start : start + step])
                await asyncio.sleep(0)
            await read.wait()  # nothing but the client ends it
        while True:
            await line.request()
            await line.say(answering(b'"the next"'))

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        first = await requests.send("GET", "/a")
        read.set()
        second = await requests.send("GET", "/b")

    assert (first.code, first.body) == (code, body)
    assert second.body == b'"the next"'
    assert len(stage.lines) == (1 if stays else 2)


async def test_a_body_without_a_length_ends_with_its_connection(certificate: Certificate) -> None:
    play = ending(OK + b'\r\n{"a": 1}')
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        assert (await requests.send("GET", "/a")).json() == {"a": 1}
        assert (await requests.send("GET", "/b")).body == b'"last"'


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200", id="half a line"),
        pytest.param(OK + b"Content-Le", id="half a head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="go on, and then nothing"),
        pytest.param(OK + b"Content-Length: 100\r\n\r\n{", id="a body that was cut off"),
        pytest.param(CHUNKED + b"5\r\n{}", id="a chunk that was cut off"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n", id="chunks without an end"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n0\r\n", id="half an end of chunks"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_is_cut_off_is_trouble(certificate: Certificate, method: str, answer: bytes) -> None:
    play = ending(answer)
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        assert await trouble_of(requests.send(method, "/a")) is Reason.SERVER_UNAVAILABLE
        assert (await requests.send("GET", "/b")).body == b'"last"'

    assert [asked.target for asked in stage.asked] == ["/a", "/b"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"it is noon\r\n\r\n", id="no HTTP"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="SSH"),
        pytest.param(b"HTTP/1.1 2x0 OK\r\n\r\n", id="a code that is none"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", id="a length below nothing"),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
        pytest.param(CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", id="chunks with a length"),
        pytest.param(CHUNKED + b"two\r\n{}\r\n", id="a chunk's length that is none"),
        pytest.param(CHUNKED + b"2\r\n{}xx0\r\n\r\n", id="a chunk that is longer than it says"),
        pytest.param(OK + b"A\0B: c\r\n\r\n", id="a header's name that is none"),
        pytest.param(OK + b"A: " + b"x" * (LONGEST_HEAD + 1), id="a header without an end"),
        pytest.param(OK + b"A: b\r\n" * (LONGEST_HEAD // 6 + 1), id="headers without an end"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="another one"
        ),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", id="a redirect"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_no_answer_is_trouble_at_once_and_without_a_second_try(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, method: str, answer: bytes
) -> None:
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 3600)
    play = saying(answer)
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        assert await trouble_of(requests.send(method, "/a")) is Reason.SERVER_UNAVAILABLE
        assert (await requests.send("GET", "/b")).body == b'"last"'

    assert [asked.target for asked in stage.asked] == ["/a", "/b"]


async def test_what_comes_after_an_answer_is_not_taken_for_the_next(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "IDLE_SECONDS", 3600)
    play = saying()
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        stage.lines[0].writer.write(answering(b'"of nobody"'))  # it lies there before the next request goes out
        answer = await requests.send("GET", "/b")
        await requests.send("GET", "/c")
        await stage.lines[1].say(answering(b'"of nobody"'))
        await asyncio.wait_for(stage.lines[1].over.wait(), 60)  # and here it is seen at once

    assert answer.body == b'"last"'
    assert len(stage.lines) == 2


@pytest.mark.parametrize("method", ["GET", *WRITES])
async def test_a_connection_that_the_server_has_closed_is_not_used(certificate: Certificate, method: str) -> None:
    play = saying()
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        stage.lines[0].writer.transport.abort()
        await asyncio.sleep(0)
        assert (await requests.send(method, "/b", body={})).body == b'"last"'

    assert [asked.target for asked in stage.asked] == ["/a", "/b"]


def closing_when_used_again(times: int) -> Play:
    """End so many connections without a word after their second request."""

    async def play(line: Line) -> None:
        await line.request()
        await line.say(answering(b"{}"))
        while True:
            await line.request()
            if line.number <= times:
                return
            await line.say(answering(b'"last"'))

    return play


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_is_sent_once(certificate: Certificate, method: str) -> None:
    play = closing_when_used_again(times=1)
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        assert await trouble_of(requests.send(method, "/b", body={})) is Reason.SERVER_UNAVAILABLE
        await requests.send("GET", "/c")

    assert [asked.target for asked in stage.asked] == ["/a", "/b", "/c"]


async def test_a_request_that_only_reads_is_tried_once_more_on_a_new_connection(certificate: Certificate) -> None:
    play = closing_when_used_again(times=1)
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        assert (await requests.send("GET", "/b")).code == 200

    assert [asked.target for asked in stage.asked] == ["/a", "/b", "/b"]


async def test_a_request_that_was_tried_on_a_new_connection_is_not_tried_again(certificate: Certificate) -> None:
    async def play(line: Line) -> None:
        await line.request()
        if line.number == 1:
            await line.say(answering(b"{}"))
            await line.request()

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        assert await trouble_of(requests.send("GET", "/b")) is Reason.SERVER_UNAVAILABLE

    assert [asked.target for asked in stage.asked] == ["/a", "/b", "/b"]


async def test_half_an_answer_is_no_reason_for_a_second_try(certificate: Certificate) -> None:
    async def play(line: Line) -> None:
        await line.request()
        await line.say(answering(b"{}"))
        await line.request()
        await line.say(OK)

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        assert await trouble_of(requests.send("GET", "/b")) is Reason.SERVER_UNAVAILABLE

    assert [asked.target for asked in stage.asked] == ["/a", "/b"]


async def test_an_answer_before_the_request_was_read_counts_and_ends_the_connection(certificate: Certificate) -> None:
    async def play(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(answering(b'"enough"'))
        await line.until_closed()

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        for _ in range(2):
            assert (await requests.send("POST", "/a", body=LARGE)).body == b'"enough"'

    assert len(stage.lines) == 2


# --- time, and how many at once


async def silent(line: Line) -> None:
    await line.request()
    await line.until_closed()


async def test_the_wait_for_a_free_connection_counts(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "CONNECTIONS", 1)
    async with staging(silent, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        first = asyncio.create_task(requests.send("GET", "/a"))
        while not stage.asked:
            await asyncio.sleep(0)
        monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.01)
        assert await trouble_of(requests.send("GET", "/b")) is Reason.SERVER_UNAVAILABLE
        assert not first.done()
        first.cancel()

    assert [asked.target for asked in stage.asked] == ["/a"]


async def test_a_server_that_says_nothing_is_given_up(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.01)
    async with staging(silent, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE


async def test_a_handshake_that_does_not_end_is_given_up(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 3600)
    monkeypatch.setattr(http_client, "CONNECT_SECONDS", 0.05)
    async with staging(Line.until_closed) as stage, sending_to(at(stage, certificate)) as (requests, _):
        assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE


async def test_no_more_connections_than_allowed_are_open_and_everybody_gets_their_own_answer(
    certificate: Certificate,
) -> None:
    full = asyncio.Event()

    async def play(line: Line) -> None:
        while True:
            asked = await line.request()
            if len(stage.asked) >= requests_module.CONNECTIONS:
                full.set()
            await full.wait()
            await line.say(answering(f'"{asked.target}"'.encode()))

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        answers = await asyncio.gather(*(requests.send("GET", f"/{number}") for number in range(100)))

    assert [answer.body for answer in answers] == [b'"/%d"' % number for number in range(100)]
    assert len(stage.lines) == requests_module.CONNECTIONS


async def test_a_connection_without_use_is_closed(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "IDLE_SECONDS", 0.01)
    play = saying()
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        await requests.send("GET", "/a")
        await asyncio.wait_for(stage.lines[0].over.wait(), 60)


async def test_an_answer_to_what_was_cancelled_is_nobodys(certificate: Certificate) -> None:
    asked, late = asyncio.Event(), asyncio.Event()

    async def play(line: Line) -> None:
        await line.request()
        asked.set()
        if line.number == 1:
            await late.wait()
            await line.say(answering(b'"late"'))
        else:
            await line.say(answering(b'"mine"'))

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        task = asyncio.create_task(requests.send("POST", "/a", body={}))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        late.set()
        assert (await requests.send("GET", "/b")).body == b'"mine"'

    assert len(stage.lines) == 2


async def test_whoever_is_cancelled_frees_their_place(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "CONNECTIONS", 1)
    asked = asyncio.Event()

    async def play(line: Line) -> None:
        await line.request()
        asked.set()
        await (line.until_closed() if line.number == 1 else line.say(answering(b"{}")))

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        tasks = [asyncio.create_task(requests.send("GET", "/a")) for _ in range(3)]
        await asked.wait()
        for task in tasks[:2]:  # one under way, and one that waits
            task.cancel()
        assert (await asyncio.wait_for(tasks[2], 60)).code == 200
        assert all(
            isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*tasks[:2], return_exceptions=True)
        )


async def test_what_is_under_way_at_the_end_fails_and_so_does_what_comes_later(certificate: Certificate) -> None:
    async with staging(silent, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        task = asyncio.create_task(trouble_of(requests.send("GET", "/a")))
        while not stage.asked:
            await asyncio.sleep(0)
        await requests.close()

        assert await task is Reason.SERVER_UNAVAILABLE
        assert await trouble_of(requests.send("GET", "/b")) is Reason.SERVER_UNAVAILABLE


# --- whom it speaks to, and what it says


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"), ("::1", "[::1]")])
async def test_a_server_is_reached_by_address_and_by_name(certificate: Certificate, host: str, name: str) -> None:
    tls, named = certificate.server(), list[str | None]()
    tls.sni_callback = lambda _, server_name, __: named.append(server_name)
    async with (
        staging(saying(), tls=tls, host=host) as stage,
        sending_to(at(stage, certificate, name)) as (requests, _),
    ):
        await requests.send("PATCH", "/b/c?d=e%20f&g=h i", body={"a": 1})

    [asked] = stage.asked
    assert (asked.method, asked.target, asked.body) == ("PATCH", "/b/c?d=e%20f&g=h%20i", b'{"a":1}')
    assert asked.headers["host"] == f"{name}:{stage.port}"
    assert asked.headers["authorization"] == BEARER["authorization"]
    assert named == ["localhost" if name == "localhost" else None]


async def test_the_next_address_of_a_name_is_tried(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    found = socket.getaddrinfo

    def two(_: str, port: int, *others: Any, **more: Any) -> Any:  # nobody listens at the first
        return [*found("127.0.0.2", port, *others, **more), *found("127.0.0.1", port, *others, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    async with (
        staging(saying(), tls=certificate.server()) as stage,
        sending_to(at(stage, certificate, "localhost")) as (requests, _),
    ):
        assert (await requests.send("GET", "/a")).code == 200


async def test_a_plain_server_may_have_a_path(certificate: Certificate) -> None:
    async with staging(saying()) as stage:
        address = f"http://127.0.0.1:{stage.port}/k8s/clusters/c-1"
        async with sending_to(Endpoint(address, None, {})) as (requests, _):
            await requests.send("GET", "/api")

    assert [asked.target for asked in stage.asked] == ["/k8s/clusters/c-1/api"]


async def test_a_server_that_is_not_the_one_is_asked_nothing(certificate: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other.example")
    for presented, trusted, verified in ((other, certificate, True), (other, other, True), (other, certificate, False)):
        async with (
            staging(saying(), tls=presented.server()) as stage,
            sending_to(at(stage, trusted, verified=verified)) as (requests, _),
        ):
            if verified:
                assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE
                assert stage.asked == []
            else:
                assert (await requests.send("GET", "/a")).code == 200


async def test_a_certificate_lets_the_operator_in(certificate: Certificate, tmp_path: Path) -> None:
    tls, own = certificate.server(), make_certificate(tmp_path, "operator")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(own.cert)
    async with staging(saying(), tls=tls) as stage:
        async with sending_to(at(stage, certificate, cert_file=own.cert, key_file=own.key)) as (requests, _):
            assert (await requests.send("GET", "/a")).code == 200
        async with sending_to(at(stage, certificate)) as (requests, _):
            assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE


@pytest.mark.parametrize("address", ["http://nowhere.invalid:1", f"http://{'x' * 70}.example:1"])
async def test_a_name_that_is_not_known_is_trouble(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sending_to(Endpoint(address, None, {})) as (requests, _):
        assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE


@pytest.mark.parametrize("token", ["a\nb", "a\r\nX-Other: b", "a\0b"])
async def test_a_token_that_is_more_than_one_line_is_not_sent(token: str) -> None:
    async with staging(saying()) as stage:
        endpoint = Endpoint(f"http://127.0.0.1:{stage.port}", None, {"authorization": f"Bearer {token}"})
        async with sending_to(endpoint) as (requests, _):
            assert await trouble_of(requests.send("GET", "/a")) is Reason.SERVER_UNAVAILABLE

    assert stage.asked == []


async def test_every_end_of_a_request_is_told(certificate: Certificate) -> None:
    told: list[Any] = []
    play = ending(answering(b"{}"), b"", b"it is noon\r\n\r\n")
    async with (
        staging(play, tls=certificate.server()) as stage,
        sending_to(at(stage, certificate)) as (requests, connection),
    ):
        connection.on_answer = lambda: told.append("answer")
        connection.on_silence = lambda: told.append("silence")
        connection.on_request = lambda method, path, code, seconds: told.append((method, path, code, seconds >= 0))
        await requests.send("GET", "/a?b=c")
        await trouble_of(requests.send("PUT", "/d"))
        await trouble_of(requests.send("GET", "/e"))

    assert told == [
        *("answer", ("GET", "/a?b=c", 200, True)),
        *("silence", ("PUT", "/d", None, True)),
        *("silence", ("GET", "/e", None, True)),
    ]


async def test_nothing_of_a_request_or_an_answer_is_logged(
    certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "test-only-secret-value"
    said = [secret.encode(), OK + secret.encode(), OK + b"A: " + secret.encode() + b"\0\r\n", CHUNKED + secret.encode()]
    play = ending(*said)
    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        for _ in said:
            with pytest.raises(TroubleError) as raised:
                await requests.send("POST", "/a", body={"a": secret})
            assert raised.value.__cause__ is None

    assert len(stage.asked) == len(said)
    assert secret not in caplog.text
    assert TOKEN not in caplog.text


# --- leave to write


@pytest.mark.parametrize("warm", [False, True], ids=["on a new connection", "on one that is open"])
@pytest.mark.parametrize("times", range(3))
@pytest.mark.parametrize("method", WRITES)
async def test_nothing_of_a_write_arrives_without_leave(
    certificate: Certificate, method: str, times: int, *, warm: bool
) -> None:
    arrived = list[bytes]()
    left = [True] * times

    async def play(line: Line) -> None:
        if warm:
            await line.request()
            await line.say(answering(b"{}"))
        arrived.append(await line.until_closed())

    async with staging(play, tls=certificate.server()) as stage:
        async with sending_to(at(stage, certificate)) as (requests, _):
            if warm:
                await requests.send("GET", "/a")
            requests.write_only_while(lambda: bool(left) and left.pop())
            assert await trouble_of(requests.send(method, "/b", body={})) is Reason.SERVER_UNAVAILABLE
        await asyncio.gather(*(line.over.wait() for line in stage.lines))

    assert left == []
    assert b"".join(arrived) == b""


async def test_a_write_that_has_begun_does_not_go_on_without_leave(certificate: Certificate) -> None:
    permitted, arrived = True, list[int]()

    async def play(line: Line) -> None:
        nonlocal permitted
        await line.reader.readuntil(b"\r\n\r\n")
        permitted = False
        arrived.append(len(await line.until_closed()))

    async with staging(play, tls=certificate.server()) as stage, sending_to(at(stage, certificate)) as (requests, _):
        requests.write_only_while(lambda: permitted)
        assert await trouble_of(requests.send("POST", "/a", body=LARGE)) is Reason.SERVER_UNAVAILABLE
        await stage.lines[0].over.wait()

    assert 0 < arrived[0] < len(LARGE["a"])
