"""`controller/ring_desk.py`: what the operator says is written into the revision that it has read, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.ring_desk import ApiRingDesk, Sheet
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.api_memory import OWN, RING, ApiMemory
from unit.controller.conftest import Connect
from unit.controller.local_server import serving

PATH = ApiMemory.path_of(RING, kind="configmaps")
NONE = frozenset[str]()


@pytest.fixture
def api() -> ApiMemory:
    return ApiMemory()


@pytest.fixture
async def desk(api: ApiMemory, connected: Connect) -> AsyncIterator[ApiRingDesk]:
    async with serving(api.answer) as address:
        requests = Requests(await connected(address))
        yield ApiRingDesk(requests, Namespace(OWN))
        await requests.close()


async def test_without_a_config_map_nothing_is_asked_and_the_state_makes_one(api: ApiMemory, desk: ApiRingDesk) -> None:
    seen = await desk.read()
    assert seen == Sheet()
    version = await desk.write(seen, "{}", NONE)
    made = api.objects[PATH]
    assert (made["data"], made["metadata"]["resourceVersion"]) == ({"state.json": "{}"}, version)
    assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "sshcredential-operator"}


async def test_answered_requests_are_taken_away_and_all_else_stays(api: ApiMemory, desk: ApiRingDesk) -> None:
    api.ask(rotate_root="0a", verify="1", note="mine")
    seen = await desk.read()
    assert [one.entry for one in seen.asked] == ["rotate-root", "verify"]
    version = await desk.write(seen, '{"a":1}', frozenset({"rotate-root"}))
    assert api.sheet == {"state.json": '{"a":1}', "verify": "1", "note": "mine"}
    assert (await desk.read()).resource_version == version


async def test_what_is_said_already_is_not_written_again(api: ApiMemory, desk: ApiRingDesk) -> None:
    await desk.write(await desk.read(), "{}", NONE)
    api.asked.clear()
    seen = await desk.read()
    assert await desk.write(seen, "{}", NONE) == seen.resource_version
    assert [verb for verb, _ in api.asked] == ["GET"]
    await desk.write(seen, "{}", frozenset({"verify"}))
    assert [verb for verb, _ in api.asked] == ["GET", "PATCH"]


async def test_a_request_that_came_meanwhile_is_not_lost(api: ApiMemory, desk: ApiRingDesk) -> None:
    api.ask(verify="1")
    seen = await desk.read()
    api.ask(verify="2")
    assert await desk.write(seen, "{}", frozenset({"verify"})) is None
    assert api.sheet == {"verify": "2"}


async def test_one_that_was_made_meanwhile_is_not_overwritten(api: ApiMemory, desk: ApiRingDesk) -> None:
    seen = await desk.read()
    api.ask(verify="1")
    assert await desk.write(seen, "{}", NONE) is None
    assert api.sheet == {"verify": "1"}


async def test_one_that_was_deleted_meanwhile_is_not_made_again_at_once(api: ApiMemory, desk: ApiRingDesk) -> None:
    api.ask(verify="1")
    seen = await desk.read()
    del api.objects[PATH]
    assert await desk.write(seen, "{}", NONE) is None
    assert PATH not in api.objects


async def test_a_refusal_is_trouble_and_no_conflict(api: ApiMemory, desk: ApiRingDesk) -> None:
    api.ask(verify="1")
    seen = await desk.read()
    api.refuses = {("PATCH", RING): 403, ("GET", RING): 500}
    with pytest.raises(TroubleError):
        await desk.write(seen, "{}", NONE)
    with pytest.raises(TroubleError):
        await desk.read()


async def test_what_the_operator_writes_bears_its_name(api: ApiMemory, desk: ApiRingDesk) -> None:
    managers = list[str | None]()

    async def before(request: web.Request) -> None:
        managers.append(request.query.get("fieldManager"))

    api.before = before
    await desk.write(Sheet(), "{}", NONE)
    await desk.write(await desk.read(), "[]", NONE)
    assert managers == ["sshcredential-operator", None, "sshcredential-operator"]
