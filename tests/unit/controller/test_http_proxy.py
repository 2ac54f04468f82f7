"""`controller/http_proxy.py`: a proxy learns where to, and nothing that is said there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.endpoint import Endpoint
from sshcredential_operator.controller.http_proxy import Proxy
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.stage import Certificate, Line, Play, answering, make_certificate, sending_to, staging

BEARER = {"authorization": "Bearer test-only-token"}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


async def serve(line: Line) -> None:
    while True:
        await line.request()
        await line.say(answering(b"{}"))


def tunnelling(port: int, said: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Play:
    """Join every connection with this port of the loopback."""

    async def play(line: Line) -> None:
        await line.request()
        await line.say(said)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(line.reader, writer), pump(reader, line.writer))
        finally:
            writer.close()

    return play


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@pytest.mark.parametrize("encrypted", [False, True], ids=["a plain proxy", "a proxy with TLS"])
async def test_a_server_is_reached_through_a_tunnel(certificate: Certificate, *, encrypted: bool) -> None:
    async with staging(serve, tls=certificate.server()) as server:
        proxy_tls = certificate.server() if encrypted else None
        async with staging(tunnelling(server.port), tls=proxy_tls) as proxy:
            scheme = "https" if encrypted else "http"
            endpoint = Endpoint(
                f"https://localhost:{server.port}",
                certificate.cert,
                BEARER,
                proxy=f"{scheme}://me%40here:it%3A@localhost:{proxy.port}",
            )
            async with sending_to(endpoint) as (requests, _):
                for _ in range(2):
                    assert (await requests.send("PUT", "/a", body={"b": 1})).code == 200

    [asked] = proxy.asked
    place = f"localhost:{server.port}"
    assert (asked.method, asked.target) == ("CONNECT", place)
    assert asked.headers == {"host": place, "proxy-authorization": "Basic bWVAaGVyZTppdDo="}  # me@here:it:
    assert [seen.body for seen in server.asked] == [b'{"b":1}'] * 2
    assert all("proxy-authorization" not in seen.headers for seen in server.asked)
    assert all(seen.headers["authorization"] == BEARER["authorization"] for seen in server.asked)


async def test_a_proxy_is_told_the_whole_address_of_a_plain_server() -> None:
    async with staging(serve) as proxy:
        endpoint = Endpoint("http://there.example:8080/k8s", None, BEARER, proxy=f"http://a:b@127.0.0.1:{proxy.port}")
        async with sending_to(endpoint) as (requests, _):
            await requests.send("GET", "/api?c=d")

    [asked] = proxy.asked
    assert asked.target == "http://there.example:8080/k8s/api?c=d"
    assert asked.headers["host"] == "there.example:8080"
    assert asked.headers["proxy-authorization"] == "Basic YTpi"
    assert asked.headers["authorization"] == BEARER["authorization"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", id="it will not"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", id="it wants a login"),
        pytest.param(b"it is noon\r\n\r\n", id="it is none"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", id="it speaks for the server"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_is_trouble(certificate: Certificate, said: bytes) -> None:
    async with (
        staging(serve, tls=certificate.server()) as server,
        staging(tunnelling(server.port, said)) as proxy,
    ):
        address = f"https://localhost:{server.port}"
        endpoint = Endpoint(address, certificate.cert, BEARER, proxy=f"http://127.0.0.1:{proxy.port}")
        async with sending_to(endpoint) as (requests, _):
            with pytest.raises(TroubleError) as raised:
                await requests.send("GET", "/a")

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE
    assert server.asked == []


async def test_a_proxy_does_not_stand_in_for_the_server(certificate: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other.example")
    async with (
        staging(serve, tls=other.server()) as server,
        staging(tunnelling(server.port)) as proxy,
    ):
        endpoint = Endpoint("https://localhost:6443", certificate.cert, BEARER, proxy=f"http://127.0.0.1:{proxy.port}")
        async with sending_to(endpoint) as (requests, _):
            with pytest.raises(TroubleError):
                await requests.send("GET", "/a")
        async with sending_to(replace(endpoint, verified=False)) as (requests, _):
            assert (await requests.send("GET", "/a")).code == 200


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("http://here", Proxy("here", 80, encrypted=False, authorization=())),
        ("https://[::1]", Proxy("::1", 443, encrypted=True, authorization=())),
        ("http://me@here:3128/", Proxy("here", 3128, False, ("Proxy-Authorization: Basic bWU6",))),
    ],
)
def test_an_address_says_where_a_proxy_is(address: str, proxy: Proxy) -> None:
    assert Proxy.at(address) == proxy


@pytest.mark.parametrize("address", ["socks5://here:1080", "here:3128", "http://", "http://here:port"])
def test_what_is_no_http_proxy_is_refused(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no text: there may be a password in the address
        Proxy.at(address)
