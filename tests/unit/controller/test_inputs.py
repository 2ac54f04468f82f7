"""`controller/inputs.py`: whoever waits for a Secret is looked at again, whatever becomes of the watch meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.controller.inputs import WatchedInputs
from sshcredential_operator.controller.ports import ApiInputs
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.work_queue import WorkQueue
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.controller.objects import GENOMICS, PHYSICS, key

A, B = key("aa"), key("bb")
MINE, NOBODY = frozenset({"my-key"}), frozenset[str]()
LIMIT = 20
"""Seconds after which a test that waits in vain is given up."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)


class SecretsApi:
    """Lists and watches of Secrets' metadata. `odd` are answers that come instead of the next ones."""

    def __init__(self) -> None:
        self.version = 1
        self.secrets: dict[str, int] = {}
        self.asked: list[web.Request] = []
        self.streams: list[asyncio.Queue[bytes | None]] = []
        self.odd: list[Callable[[], web.Response]] = []

    def put(self, name: str, *, tell: bool = True) -> None:
        self.version += 1
        type_ = "MODIFIED" if name in self.secrets else "ADDED"
        self.secrets[name] = self.version
        if tell:
            self.tell({"type": type_, "object": self.metadata(name)})

    def remove(self, name: str) -> None:
        self.version += 1
        self.secrets[name] = self.version
        self.tell({"type": "DELETED", "object": self.metadata(name)})
        del self.secrets[name]

    def metadata(self, name: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "resourceVersion": str(self.secrets[name])}}

    def tell(self, event: Any) -> None:
        self.say(orjson.dumps(event) + b"\n")

    def say(self, words: bytes | None) -> None:
        for stream in self.streams:
            stream.put_nowait(words)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.odd:
            return self.odd.pop(0)()
        if "watch" not in request.query:
            items = [self.metadata(name) for name in self.secrets] or None  # as the real one says it
            return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})
        return await self._stream(request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response, words = web.StreamResponse(), asyncio.Queue[bytes | None]()
        await response.prepare(request)
        self.streams.append(words)
        try:
            while (said := await words.get()) is not None:
                await response.write(said)
        finally:
            self.streams.remove(words)
        return response

    async def watched(self) -> None:
        await until(lambda: bool(self.streams))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not holds():
            await asyncio.sleep(0.001)


class Desk:
    """One operator's inputs and queue, and the server they talk to."""

    def __init__(self, api: SecretsApi, inputs: WatchedInputs, queue: WorkQueue) -> None:
        self.api, self.inputs, self.queue = api, inputs, queue

    async def next(self) -> CredentialKey:
        async with asyncio.timeout(LIMIT):
            found = await self.queue.get()
        self.queue.done(found)
        return found

    async def waits(self, of: CredentialKey = A, secret_names: frozenset[str] = MINE) -> None:
        """Let a credential wait; its first look, after the list, is taken away."""
        self.inputs.watch(of, secret_names)
        assert await self.next() == of
        await self.api.watched()


@pytest.fixture
async def desk(connected: Connect) -> AsyncIterator[Desk]:
    api = SecretsApi()
    async with serving(api.answer) as address, _inputs(connected, address) as (inputs, queue):
        yield Desk(api, inputs, queue)


@asynccontextmanager
async def _inputs(connected: Connect, address: str) -> AsyncIterator[tuple[WatchedInputs, WorkQueue]]:
    connection = await connected(address)
    requests, queue = Requests(connection), WorkQueue[CredentialKey](share=4)
    inputs = WatchedInputs(connection, ApiInputs(requests), queue)
    try:
        yield inputs, queue
    finally:
        await inputs.close()
        await requests.close()
        queue.close()


async def test_who_waits_is_looked_at_after_the_list_and_at_every_change(desk: Desk) -> None:
    await desk.waits()
    desk.api.put("my-key")
    assert await desk.next() == A
    desk.api.put("my-key")
    assert await desk.next() == A
    desk.api.remove("my-key")
    assert await desk.next() == A


async def test_only_metadata_is_asked_for_and_only_in_the_namespace_of_who_waits(desk: Desk) -> None:
    await desk.waits()

    assert {request.path for request in desk.api.asked} == {"/api/v1/namespaces/genomics/secrets"}
    assert ["as=PartialObjectMetadata" in request.headers["Accept"] for request in desk.api.asked] == [True, True]
    assert desk.api.asked[1].query["resourceVersion"] == "1"
    assert desk.api.asked[1].query["allowWatchBookmarks"] == "true"


async def test_nobody_is_looked_at_for_a_secret_that_nobody_named(desk: Desk) -> None:
    await desk.waits(A)
    await desk.waits(B, frozenset({"other"}))
    desk.api.put("third")
    desk.api.put("other")

    assert await desk.next() == B
    assert len(desk.queue) == 0


async def test_one_watch_serves_a_namespace_and_ends_with_the_last_who_waits(desk: Desk) -> None:
    await desk.waits(A)
    await desk.waits(B)
    assert len(desk.api.streams) == 1

    desk.inputs.watch(A, NOBODY)
    desk.inputs.watch(A, NOBODY)
    assert len(desk.inputs._watches) == 1
    desk.inputs.watch(B, NOBODY)
    assert desk.inputs._watches == {}
    assert desk.inputs._interest == {}
    await until(lambda: desk.api.asked[1].transport is None or desk.api.asked[1].transport.is_closing())


async def test_namespaces_have_watches_of_their_own(desk: Desk) -> None:
    await desk.waits(A)
    other = key("aa", PHYSICS)
    desk.inputs.watch(other, MINE)
    assert await desk.next() == other
    await until(lambda: len(desk.api.streams) == 2)

    assert {request.path.split("/")[4] for request in desk.api.asked} == {GENOMICS, PHYSICS}


async def test_who_comes_while_the_watch_is_there_already_is_looked_at_once_more(desk: Desk) -> None:
    """What came between his read and now was told to nobody."""
    await desk.waits(A)
    desk.inputs.watch(B, MINE)
    assert await desk.next() == B
    desk.inputs.watch(B, MINE)
    await asyncio.sleep(0)

    assert len(desk.queue) == 0


async def test_presence_is_known_while_somebody_watches(desk: Desk) -> None:
    assert desk.inputs.present(GENOMICS, "my-key") is None
    await desk.waits()
    assert desk.inputs.present(GENOMICS, "my-key") is False
    desk.api.put("my-key")
    await desk.next()
    assert desk.inputs.present(GENOMICS, "my-key") is True
    desk.api.remove("my-key")
    await desk.next()
    assert desk.inputs.present(GENOMICS, "my-key") is False
    desk.inputs.watch(A, NOBODY)
    assert desk.inputs.present(GENOMICS, "my-key") is None


def status(code: int) -> Callable[[], web.Response]:
    return lambda: web.Response(status=code)


def text(words: str) -> Callable[[], web.Response]:
    return lambda: web.Response(text=words)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param([status(410)], id="the watch is answered with 410"),
        pytest.param([status(500), status(503)], id="watch and list are answered with errors"),
        pytest.param([status(403)] * 3, id="the right is gone for a while"),
        pytest.param([text('{"type":"ERROR","object":{"code":410}}\n')], id="the watch brings an ERROR of 410"),
        pytest.param([text('{"type":"ERROR","object":{"code":500}}\n')] * 3, id="every watch brings an ERROR"),
        pytest.param([text('{"type":"ADDED","object":{"meta\n')], id="the watch brings half a line"),
        pytest.param([text("[]\n")], id="the watch brings something else"),
        pytest.param([text('{"type":"ADDED","object":1}\n')], id="the watch brings an odd object"),
        pytest.param([text("")] * 3, id="the watch ends at once"),
        pytest.param([status(410), text("[]"), text("{}"), text("x")], id="lists are odd, too"),
    ],
)
async def test_a_change_while_the_watch_was_broken_is_noticed(
    desk: Desk, odd: list[Callable[[], web.Response]]
) -> None:
    desk.api.put("my-key", tell=False)
    await desk.waits()
    desk.api.odd = list(odd)
    desk.api.put("my-key", tell=False)
    desk.api.version = 100  # the change is older than where a new watch would begin
    desk.api.tell({"type": "ERROR", "object": {"code": 410}})

    assert await desk.next() == A
    await until(lambda: not desk.api.odd)
    desk.api.put("my-key")


async def test_a_watch_that_the_server_ends_goes_on_where_it_was(desk: Desk) -> None:
    await desk.waits()
    desk.api.tell({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "77"}}})
    desk.api.say(None)
    await until(lambda: len(desk.api.asked) == 3)

    assert desk.api.asked[2].query["resourceVersion"] == "77"
    await desk.api.watched()
    desk.api.put("my-key")
    assert await desk.next() == A


async def test_watches_that_somebody_else_ended_are_started_again(desk: Desk) -> None:
    await desk.waits()
    [task] = desk.inputs._watches.values()
    task.cancel()
    await until(task.done)
    desk.api.put("my-key", tell=False)

    desk.inputs.resume()

    assert await desk.next() == A


async def test_a_line_that_comes_in_pieces_is_one_event(desk: Desk) -> None:
    await desk.waits()
    line = orjson.dumps({"type": "ADDED", "object": {"metadata": {"name": "my-key", "resourceVersion": "9"}}}) + b"\n"
    for start in range(0, len(line), 7):
        desk.api.say(line[start : start + 7])
        await asyncio.sleep(0)

    assert await desk.next() == A


async def test_a_secret_is_read_live(desk: Desk) -> None:
    document = {"metadata": {"uid": "u", "resourceVersion": "1"}, "data": {"ssh-privatekey": "dGVzdA=="}}
    desk.api.odd = [lambda: web.json_response(document), status(404)]

    assert await desk.inputs.read(GENOMICS, "my-key") == {"ssh-privatekey": b"test"}
    assert await desk.inputs.read(GENOMICS, "my-key") is None
    assert desk.api.asked[0].path == "/api/v1/namespaces/genomics/secrets/my-key"
