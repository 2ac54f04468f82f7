"""`controller/workspaces.py`: a namespace's uid is read once, shared, and read again when it may be another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.keyring import Keyring, StoredSecret
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.controller.objects import GENOMICS, PHYSICS
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import OTHER_UID, UID


class Namespaces:
    """Answers what the uid of a namespace is."""

    def __init__(self) -> None:
        self.uid, self.status = UID, 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        return web.json_response({"metadata": {"uid": self.uid}}, status=self.status)


@pytest.fixture
def namespaces() -> Namespaces:
    return Namespaces()


@pytest.fixture
async def workspaces(namespaces: Namespaces, connected: Connect) -> AsyncIterator[KeyringWorkspaces]:
    ring = Keyring(Store(Cluster()))
    await ring.open()
    async with serving(namespaces.answer) as address:
        requests = Requests(await connected(address))
        yield KeyringWorkspaces(ring, requests)
        await requests.close()


async def test_a_uid_is_read_once_however_many_ask(workspaces: KeyringWorkspaces, namespaces: Namespaces) -> None:
    keks = await asyncio.gather(*(workspaces.kek_for_writing(GENOMICS) for _ in range(12)))
    again = await workspaces.kek(keks[0].kid, GENOMICS)

    assert len({kek.kid for kek in keks}) == 1
    assert again == keks[0]
    assert namespaces.asked == ["/api/v1/namespaces/genomics"]


@pytest.mark.parametrize("all_of_them", [False, True], ids=["this namespace", "all of them"])
async def test_a_namespace_that_was_made_again_gets_a_key_of_its_own(
    workspaces: KeyringWorkspaces, namespaces: Namespaces, all_of_them: bool
) -> None:
    old = await workspaces.kek_for_writing(GENOMICS)
    namespaces.uid = OTHER_UID
    workspaces.forget(None if all_of_them else GENOMICS)
    new = await workspaces.kek_for_writing(GENOMICS)

    assert new.kid != old.kid
    assert await workspaces.kek(old.kid, GENOMICS) is None
    assert len(namespaces.asked) == 2


async def test_forgetting_another_namespace_costs_nothing(
    workspaces: KeyringWorkspaces, namespaces: Namespaces
) -> None:
    await workspaces.kek_for_writing(GENOMICS)
    workspaces.forget(PHYSICS)
    await workspaces.kek_for_writing(GENOMICS)

    assert len(namespaces.asked) == 1


async def test_a_failure_is_shared_and_tried_again_by_the_next_who_asks(
    workspaces: KeyringWorkspaces, namespaces: Namespaces
) -> None:
    namespaces.status = 403
    answers = await asyncio.gather(*(workspaces.kek_for_writing(GENOMICS) for _ in range(3)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TroubleError}
    assert [answer.reason for answer in answers if isinstance(answer, TroubleError)] == [Reason.FORBIDDEN] * 3
    assert len(namespaces.asked) == 1

    namespaces.status = 200
    assert (await workspaces.kek_for_writing(GENOMICS)).kid


async def test_who_stops_waiting_does_not_spoil_it_for_the_others(
    workspaces: KeyringWorkspaces, namespaces: Namespaces
) -> None:
    gone = asyncio.create_task(workspaces.kek_for_writing(GENOMICS))
    stays = asyncio.create_task(workspaces.kek_for_writing(GENOMICS))
    await asyncio.sleep(0)
    gone.cancel()

    assert (await stays).kid
    assert len(namespaces.asked) == 1


class Guarded(Store):
    """The API server says this to whoever wants a Secret of the key ring."""

    answer: TroubleError | None = None

    async def get(self, name: str) -> StoredSecret | None:
        if self.answer:
            raise self.answer
        return await super().get(name)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        pytest.param(Reason.FORBIDDEN, Reason.KEY_RING_UNAVAILABLE, id="no right"),
        pytest.param(Reason.QUOTA_EXCEEDED, Reason.KEY_RING_UNAVAILABLE, id="a quota"),
        pytest.param(Reason.SERVER_UNAVAILABLE, Reason.SERVER_UNAVAILABLE, id="nobody answers"),
    ],
)
async def test_what_the_operator_lacks_in_its_own_namespace_is_not_told_of_the_workspace(
    namespaces: Namespaces, connected: Connect, reason: Reason, told: Reason
) -> None:
    store = Guarded(Cluster())
    ring = Keyring(store)
    await ring.open()
    store.answer = TroubleError(reason, {"verb": "get", "resource": "secrets"}, retry_after=7)
    async with serving(namespaces.answer) as address:
        requests = Requests(await connected(address))
        with pytest.raises(TroubleError) as trouble:
            await KeyringWorkspaces(ring, requests).kek_for_writing(GENOMICS)
        await requests.close()

    assert (trouble.value.reason, trouble.value.retry_after) == (told, 7)
