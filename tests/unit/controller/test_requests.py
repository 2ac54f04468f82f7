"""`controller/requests.py`: every answer of an API server, and every way of not giving one, against a real server."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from sshcredential_operator.api.messages import message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller import http_client
from sshcredential_operator.controller.requests import MERGE_PATCH, Answer, Requests
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import Answering, serving, serving_bytes, write_kubeconfig

SECRET = "test-only-secret-value"
"""Stands in every refusal's text: nothing of it may come out."""


@asynccontextmanager
async def sending(connected: Connect, address: str) -> AsyncIterator[Requests]:
    requests = Requests(await connected(address))
    try:
        yield requests
    finally:
        await requests.close()


def always(status: int, text: str = SECRET, **headers: str) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def trouble_of(connected: Connect, answer: Answering, method: str = "POST") -> TroubleError:
    async with serving(answer) as address, sending(connected, address) as requests:
        with pytest.raises(TroubleError) as raised:
            await requests.send(method, "/api/v1/namespaces/genomics/secrets", body={"a": 1}, what="secrets")
    return raised.value


REFUSED = {"verb": "create", "resource": "secrets"}


@pytest.mark.parametrize(
    ("answer", "reason", "facts", "retry_after"),
    [
        pytest.param(always(429), Reason.SERVER_UNAVAILABLE, {}, None, id="too busy"),
        pytest.param(always(429, Retry_After="7"), Reason.SERVER_UNAVAILABLE, {}, 7, id="too busy for 7 seconds"),
        pytest.param(always(429, Retry_After="soon"), Reason.SERVER_UNAVAILABLE, {}, None, id="too busy until soon"),
        pytest.param(always(429, Retry_After="-1"), Reason.SERVER_UNAVAILABLE, {}, None, id="a negative wait"),
        pytest.param(
            always(429, Retry_After="Fri, 31 Jan 2026 12:00:00 GMT"),
            Reason.SERVER_UNAVAILABLE,
            {},
            None,
            id="too busy until a date",
        ),
        pytest.param(always(500), Reason.SERVER_UNAVAILABLE, {}, None, id="an internal error"),
        pytest.param(always(503, Retry_After="1"), Reason.SERVER_UNAVAILABLE, {}, 1, id="unavailable for a second"),
        pytest.param(always(504), Reason.SERVER_UNAVAILABLE, {}, None, id="a gateway's timeout"),
        pytest.param(always(403), Reason.FORBIDDEN, REFUSED | {"code": 403}, None, id="forbidden"),
        pytest.param(
            always(403, 'secrets "x" is forbidden: exceeded quota: q, requested: count/secrets=1'),
            Reason.QUOTA_EXCEEDED,
            REFUSED | {"code": 403},
            None,
            id="over the quota",
        ),
        pytest.param(
            always(403, '{"details": {"causes": [{"reason": "NamespaceTerminating"}]}}'),
            Reason.SERVER_UNAVAILABLE,
            {},
            None,
            id="the namespace is on its way out",
        ),
        pytest.param(always(400), Reason.REFUSED_BY_SERVER, REFUSED | {"code": 400}, None, id="a bad request"),
        pytest.param(always(404), Reason.REFUSED_BY_SERVER, REFUSED | {"code": 404}, None, id="not found"),
        pytest.param(always(409), Reason.REFUSED_BY_SERVER, REFUSED | {"code": 409}, None, id="a conflict"),
        pytest.param(always(413), Reason.REFUSED_BY_SERVER, REFUSED | {"code": 413}, None, id="too large"),
        pytest.param(always(422), Reason.REFUSED_BY_SERVER, REFUSED | {"code": 422}, None, id="invalid"),
        pytest.param(always(401), Reason.SERVER_UNAVAILABLE, {}, None, id="unauthorized, with a fresh token, too"),
    ],
)
async def test_a_refusal_becomes_a_reason_with_safe_facts(
    connected: Connect, answer: Answering, reason: Reason, facts: dict, retry_after: float | None
) -> None:
    trouble = await trouble_of(connected, answer)

    assert (trouble.reason, trouble.facts, trouble.retry_after) == (reason, facts, retry_after)
    assert SECRET not in message(trouble.reason, trouble.facts)
    assert SECRET not in repr(trouble)
    assert trouble.__cause__ is None
    assert trouble.__suppress_context__ or trouble.__context__ is None


@pytest.mark.parametrize(
    ("method", "verb"),
    [("GET", "get"), ("POST", "create"), ("PUT", "update"), ("PATCH", "patch"), ("DELETE", "delete")],
)
async def test_people_read_the_verb_of_rbac(connected: Connect, method: str, verb: str) -> None:
    trouble = await trouble_of(connected, always(403), method)

    assert trouble.facts["verb"] == verb


@pytest.mark.parametrize("code", [200, 201, 404, 409, 422])
async def test_what_succeeds_or_is_expected_is_returned(connected: Connect, code: int) -> None:
    async with serving(always(code, '{"a":1}')) as address, sending(connected, address) as requests:
        answer = await requests.send("GET", "/x", expect=frozenset({404, 409, 422}))

    assert answer.code == code
    assert answer.json() == {"a": 1}


async def test_a_request_is_sent_as_it_is_asked_for(connected: Connect) -> None:
    seen: list[tuple] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.path_qs, request.headers, await request.read()))
        return web.json_response({})

    async with serving(answer) as address, sending(connected, address) as requests:
        await requests.send("PATCH", "/a/b?fieldManager=x", body={"a": "\u00e4"}, content_type=MERGE_PATCH)
        await requests.send("GET", "/a/b")

    [(method, path, headers, body), (_, _, _, nothing)] = seen
    assert (method, path) == ("PATCH", "/a/b?fieldManager=x")
    assert headers["Content-Type"] == MERGE_PATCH
    assert headers["Accept"] == "application/json"
    assert headers["Authorization"] == "Bearer first"
    assert orjson.loads(body) == {"a": "\u00e4"}
    assert nothing == b""


CUT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200", id="half a line"),
        pytest.param(b"it is noon\r\n\r\n", id="no HTTP"),
        pytest.param(CUT + b'Content-Length: 100\r\n\r\n{"metadata": {', id="a body that was cut off"),
        pytest.param(CUT + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":', id="a chunk without an end"),
    ],
)
async def test_an_answer_that_was_cut_off_is_the_servers_trouble(connected: Connect, answer: bytes) -> None:
    # A request that only reads is tried again on a new connection by the client itself.
    async with serving_bytes(answer, answer) as address, sending(connected, address) as requests:
        with pytest.raises(TroubleError) as raised:
            await requests.send("GET", "/x")

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a":1} {'])
def test_a_body_that_is_no_json_is_the_servers_trouble(body: bytes) -> None:
    with pytest.raises(TroubleError) as raised:
        Answer(200, body).json()

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE


async def test_a_refused_connection_is_the_servers_trouble(connected: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with sending(connected, address) as requests:
        with pytest.raises(TroubleError) as raised:
            await requests.send("GET", "/x")

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE


async def test_an_answer_that_never_comes_is_the_servers_trouble(
    connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "TOTAL_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with sending(connected, f"http://127.0.0.1:{silent.getsockname()[1]}") as requests:
            with pytest.raises(TroubleError) as raised:
                await requests.send("GET", "/x")

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE


def guarded(token: str, seen: list[str]) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers["Authorization"])
        return web.json_response({}, status=200 if seen[-1] == f"Bearer {token}" else 401)

    return answer


async def test_a_token_that_was_rotated_is_read_again(connected: Connect, kubeconfig: Path) -> None:
    seen: list[str] = []
    async with serving(guarded("second", seen)) as address, sending(connected, address) as requests:
        write_kubeconfig(kubeconfig, address, "second")
        answer = await requests.send("GET", "/x")
        again = await requests.send("GET", "/x")

    assert (answer.code, again.code) == (200, 200)
    assert seen == ["Bearer first", "Bearer second", "Bearer second"]


async def test_a_token_that_stays_wrong_is_tried_twice_and_no_more(connected: Connect) -> None:
    seen: list[str] = []
    async with serving(guarded("other", seen)) as address, sending(connected, address) as requests:
        with pytest.raises(TroubleError) as raised:
            await requests.send("GET", "/x")

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE
    assert seen == ["Bearer first", "Bearer first"]


@pytest.mark.parametrize("text", ["", "{", '{"current-context": "there"}'], ids=["empty", "cut", "of nothing"])
async def test_a_configuration_that_cannot_be_read_any_more_is_trouble_that_passes(
    connected: Connect, kubeconfig: Path, text: str
) -> None:
    async with serving(guarded("second", [])) as address, sending(connected, address) as requests:
        kubeconfig.write_text(text)
        with pytest.raises(TroubleError) as raised:
            await requests.send("GET", "/x")

        assert raised.value.reason is Reason.SERVER_UNAVAILABLE
        write_kubeconfig(kubeconfig, address, "second")
        assert (await requests.send("GET", "/x")).code == 200
