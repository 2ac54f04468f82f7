"""`controller/write_guard.py` in `controller/requests.py`: what may not be written is not, up to the last moment."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

import pytest
from aiohttp import web

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.write_guard import GuardedSocket, WriteGuard
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import serving

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Desk(NamedTuple):
    """Requests, and what of them has arrived."""

    requests: Requests
    arrived: list[tuple[str, bytes]]


@pytest.fixture
async def desk(connected: Connect) -> AsyncIterator[Desk]:
    arrived: list[tuple[str, bytes]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        arrived.append((request.method, await request.read()))
        return web.json_response({})

    async with serving(answer) as address:
        requests = Requests(await connected(address))
        yield Desk(requests, arrived)
        await requests.close()


def saying(*answers: bool) -> Iterator[bool]:
    """Say these one after the other, and the last one for ever."""
    yield from answers
    while True:
        yield answers[-1]


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "answers",
    [(False,), (True, False), (True, True, False)],
    ids=["not permitted", "permitted until its body is to go out", "permitted until the system call"],
)
@pytest.mark.parametrize("warm", [False, True], ids=["on a new connection", "on one that is open"])
async def test_what_may_not_be_written_does_not_arrive(
    desk: Desk, method: str, answers: tuple[bool, ...], *, warm: bool
) -> None:
    if warm:
        await desk.requests.send("GET", "/x")
    before = list(desk.arrived)
    permitted = saying(*answers)
    desk.requests.write_only_while(lambda: next(permitted))

    with pytest.raises(TroubleError) as raised:
        await desk.requests.send(method, "/x", body={"a": 1})

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE  # trouble that passes: the next leader has the work
    await desk.requests.send("GET", "/y")
    assert desk.arrived == [*before, ("GET", b"")]


async def test_a_write_without_a_body_is_refused_as_well(desk: Desk) -> None:
    desk.requests.write_only_while(lambda: False)

    with pytest.raises(TroubleError):
        await desk.requests.send("DELETE", "/x")

    assert desk.arrived == []


@pytest.mark.parametrize("method", WRITES)
async def test_what_may_be_written_arrives_once_and_whole(desk: Desk, method: str) -> None:
    desk.requests.write_only_while(lambda: True)
    text = "x" * 300_000

    await desk.requests.send(method, "/x", body={"a": text})

    assert desk.arrived == [(method, b'{"a":"%b"}' % text.encode())]


async def test_reading_needs_no_leave(desk: Desk) -> None:
    desk.requests.write_only_while(lambda: False)

    assert (await desk.requests.send("GET", "/x")).code == 200


@pytest.mark.parametrize("call", [lambda by: by.send(b"x"), lambda by: by.sendmsg([b"x"])], ids=["send", "sendmsg"])
def test_each_call_that_sends_for_some_python_asks(call: Callable[[GuardedSocket], int]) -> None:
    guard = WriteGuard()
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = guard.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        made.connect_ex(server.getsockname())
        there, _ = server.accept()
        with made, there:
            guard.permitted = lambda: False
            assert call(made) == 1  # a handshake
            made.carries_write = True
            with pytest.raises(ConnectionAbortedError):
                call(made)
            made.close()
            assert there.recv(9) == b"x"
            assert there.recv(9) == b""
